import GRDB
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite
import Testing

/// SQLite's pages carry no checksum: a bit that has flipped on the disk is read as it stands.
@Suite("A row with a flipped bit", .timeLimit(.minutes(1)))
struct FlippedBitTests {
    private static let columns = [
        "attempts", "enquiries", "not_found_answers", "resendings", "failures", "replies_told", "replies_before", "credential_refusals",
        "ahead_since",
        "settle_window",
        "accepted_at", "first_sent_at", "first_not_found_at", "first_not_found_steady", "due_at", "completed_at",
    ]

    @Test(
        "is unreadable and costs itself only, whichever number is one that cannot be", arguments: columns,
        [Int64.min, .max, -1_000_000_000_000_000])
    func implausible(column: String, value: Int64) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            for number in 1...3 {
                let id = try #require(try await ledger.claim(Sample.claim(Sample.job(.recharge, "r-\(number)"))).record).id
                _ = try await ledger.update(Sample.update(id, to: .inDoubt, dueAt: Sample.moment(9), event: .doubt))
            }
        }
        try temporary.otherConnection().inDatabase {
            try $0.execute(sql: "UPDATE jobs SET \(column) = ? WHERE id = 2", arguments: [value])
        }
        try await temporary.using { ledger in
            let failure = await #expect(throws: LedgerError.self) {
                _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, "r-2"), now: Sample.moment(60)))
            }
            #expect(failure?.isUnreadable == true)
            #expect(try await ledger.claim(Sample.claim(Sample.job(.recharge, "r-1"), now: Sample.moment(60))).record != nil)
            #expect(try await ledger.jobs(.recharge, in: .inDoubt, limit: 10).map(\.id) == [1, 3])
            #expect(try await ledger.unreadable(limit: 10) == [UnreadableRow(.jobs, 2)])
            let due = try await ledger.takeDue(.questions, at: Sample.moment(60), leaseEnd: Sample.moment(90), limit: 10)
            #expect(due == DueBatch(due.jobs, unreadable: [2]))
            let summary = try await ledger.summary()
            #expect(summary.stored == [.init(.recharge, .inDoubt): 3])
            #expect(summary.oldestDoubt == Sample.moment(1))
            #expect(summary.oldestDue == Sample.moment(9))
        }
    }

    @Test(
        "is found although no index leads to it: its job was left to a person, and its state is none", arguments: [JobState.parked, .held])
    func leftToPerson(state: JobState) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            for number in 1...3 {
                let id = try #require(try await ledger.claim(Sample.claim(Sample.job(.recharge, "r-\(number)"))).record).id
                _ = try await ledger.update(Sample.update(id, to: state, event: .parked))
            }
            #expect(try await ledger.unreadable(limit: 10).isEmpty)
        }
        try temporary.otherConnection().inDatabase { try $0.execute(sql: "UPDATE jobs SET state = 'parkec' WHERE id = 2") }
        try await temporary.using { ledger in
            let readable = try await ledger.jobs(.recharge, in: state, limit: 10)
            #expect(readable.map(\.id) == [1, 3])
            let unreadable = try await ledger.unreadable(limit: 10)
            #expect(unreadable == [UnreadableRow(.jobs, 2)])
        }
    }

    @Test(
        "fails the run that owns it and no other in its transaction, where the row is only updated",
        arguments: ["amount_paise", "accepted_at", "replies_told"])
    func update(column: String) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            let id = try #require(try await ledger.claim(Sample.claim()).record).id
            try temporary.otherConnection().inDatabase { try $0.execute(sql: "UPDATE jobs SET \(column) = ?", arguments: [Int64.max]) }
            let failure = await #expect(throws: LedgerError.self) {
                try await ledger.update(Sample.update(id, to: .succeeded, reply: Sample.reply(Sample.job(), .succeeded)))
            }
            #expect(failure?.isUnreadable == true)
        }
    }

    @Test(
        "among the tallies, the counted codes, the checks or the lines of a history stops no write and no look",
        arguments: [Int64.min, .max])
    func counters(value: Int64) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            let id = try #require(try await ledger.claim(Sample.claim()).record).id
            var update = Sample.update(id, to: .inDoubt, event: .doubt)
            update.sightings = [CodeSighting(.init(.recharge, httpStatus: 200, responseCode: 5), message: "m")]
            _ = try await ledger.update(update)
            try temporary.otherConnection().inDatabase { database in
                for change in [
                    "tallies SET count = ?1, paise = ?1", "ledger SET checks = ?1", "codes SET seen = ?1, failed = ?1",
                ] { try database.execute(sql: "UPDATE \(change)", arguments: [value]) }
                // As a bit would flip it: no trigger stops that.
                try database.execute(sql: "DROP TRIGGER history_is_not_changed")
                try database.execute(sql: "UPDATE history SET number = ?1 WHERE number = 2", arguments: [value])
                try database.execute(sql: "UPDATE history SET at = ?1 WHERE number = ?1", arguments: [value])
            }
            try await ledger.checkWritable()
            for _ in 0..<3 {
                #expect(try await ledger.claim(Sample.claim(now: Sample.moment(30))).record != nil)
                #expect(try await ledger.update(update) == .stored([]))
            }
            _ = try await ledger.summary()
            #expect(try await ledger.codes().map(\.timesSeen) == [3])
            let history = try #require(try await ledger.job(.recharge, "r-1")).history
            #expect(history.count == 8)
            #expect(history.count { $0.event == .unreadable } == 1)
            #expect(try await ledger.unreadable(limit: 10).isEmpty)
        }
    }

    @Test(
        "that is owed keeps no other reply from being swept",
        arguments: [
            "UPDATE replies SET outcome = 'x' WHERE id = 2", "UPDATE replies SET accepted_at = -9223372036854775808 WHERE id = 2",
            "UPDATE replies SET job = 999 WHERE id = 2", "DELETE FROM replies WHERE id = 2", "UPDATE jobs SET kind = 'x' WHERE id = 2",
        ])
    func owed(change: String) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            for number in 1...3 { _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, "r-\(number)"), state: .expired)) }
        }
        try temporary.otherConnection().inDatabase { try $0.execute(sql: "PRAGMA foreign_keys = OFF; \(change)") }
        try await temporary.using { ledger in
            let owed = try await ledger.unpublishedReplies(after: nil, limit: 10)
            #expect(owed.replies.map(\.id) == [1, 3])
            #expect(owed.unreadable == [2])
            // Page by page too.
            let page = try await ledger.unpublishedReplies(after: 1, limit: 1)
            #expect(page.replies.isEmpty)
            #expect(page.last == 2)
            #expect(try await ledger.unreadable(limit: 10) == [UnreadableRow(.replies, 2)])
        }
    }
}

extension LedgerError {
    fileprivate var isUnreadable: Bool { if case .unreadable = self { true } else { false } }
}
