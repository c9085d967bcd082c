import GRDB
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite
import Testing

/// SQLite's pages have no checksum, so that SQLite does not notice a bit that has flipped on the disk.
@Suite("A row with a flipped bit", .timeLimit(.minutes(1)))
struct FlippedBitTests {
    private static let columns = [
        "attempts", "enquiries", "not_found_answers", "resendings", "failures", "replies_told", "replies_before", "credential_refusals",
        "ahead_since",
        "settle_window",
        "accepted_at", "first_sent_at", "first_not_found_at", "first_not_found_steady", "due_at", "completed_at",
    ]

    @Test(
        "is unreadable if a number is out of range, and affects no other row", arguments: columns,
        [Int64.min, .max, -1_000_000_000_000_000])
    func numberOutOfRange(column: String, value: Int64) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            for number in 1...3 {
                let id = try #require(try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-\(number)"))).record).id
                _ = try await ledger.update(Sample.update(id, to: .inDoubt, dueAt: Sample.moment(9), event: .doubt))
            }
        }
        try temporary.otherConnection().inDatabase {
            try $0.execute(sql: "UPDATE jobs SET \(column) = ? WHERE id = 2", arguments: [value])
        }
        try await temporary.using { ledger in
            let failure = await #expect(throws: LedgerError.self) {
                _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-2"), now: Sample.moment(60)))
            }
            #expect(failure?.isUnreadable == true)
            #expect(try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-1"), now: Sample.moment(60))).record != nil)
            #expect(try await ledger.jobs(.recharge, in: .inDoubt, limit: 10).map(\.id) == [1, 3])
            #expect(try await ledger.unreadable(limit: 10) == [UnreadableRow(.jobs, id: 2)])
            let due = try await ledger.takeDue(.questions, at: Sample.moment(60), leaseEnd: Sample.moment(90), limit: 10)
            #expect(due == DueBatch(due.jobs, unreadable: [2]))
            let summary = try await ledger.summary()
            #expect(summary.stored == [.init(.recharge, in: .inDoubt): 3])
            #expect(summary.oldestDoubt == Sample.moment(1))
            #expect(summary.oldestDue == Sample.moment(9))
        }
    }

    @Test(
        "is found without an index if its job was left to the operator and its state is unknown", arguments: [JobState.parked, .held])
    func unknownState(state: JobState) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            for number in 1...3 {
                let id = try #require(try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-\(number)"))).record).id
                _ = try await ledger.update(Sample.update(id, to: state, event: .parked))
            }
            #expect(try await ledger.unreadable(limit: 10).isEmpty)
        }
        try temporary.otherConnection().inDatabase { try $0.execute(sql: "UPDATE jobs SET state = 'parkec' WHERE id = 2") }
        try await temporary.using { ledger in
            let readable = try await ledger.jobs(.recharge, in: state, limit: 10)
            #expect(readable.map(\.id) == [1, 3])
            let unreadable = try await ledger.unreadable(limit: 10)
            #expect(unreadable == [UnreadableRow(.jobs, id: 2)])
        }
    }

    @Test(
        "fails only the update of its own job, not the other operations of the transaction",
        arguments: ["amount_paise", "accepted_at", "replies_told"])
    func unreadableUpdate(column: String) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            let id = try #require(try await ledger.claim(Sample.claim()).record).id
            try temporary.otherConnection().inDatabase { try $0.execute(sql: "UPDATE jobs SET \(column) = ?", arguments: [Int64.max]) }
            let failure = await #expect(throws: LedgerError.self) {
                try await ledger.update(Sample.update(id, to: .succeeded, reply: Sample.reply(Sample.job(), state: .succeeded)))
            }
            #expect(failure?.isUnreadable == true)
        }
    }

    @Test(
        "does no harm in counters, counted codes, checks and history entries: reads and writes go on",
        arguments: [Int64.min, .max])
    func flippedCounters(value: Int64) async throws {
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
                // A flipping bit is not stopped by the trigger.
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
            let history = try #require(try await ledger.job(.recharge, reference: "r-1")).history
            #expect(history.count == 8)
            #expect(history.count { $0.event == .unreadable } == 1)
            #expect(try await ledger.unreadable(limit: 10).isEmpty)
        }
    }

    @Test(
        "does not block other replies, if it belongs to an owed reply",
        arguments: [
            "UPDATE replies SET outcome = 'x' WHERE id = 2", "UPDATE replies SET accepted_at = -9223372036854775808 WHERE id = 2",
            "UPDATE replies SET job = 999 WHERE id = 2", "DELETE FROM replies WHERE id = 2", "UPDATE jobs SET kind = 'x' WHERE id = 2",
        ])
    func unreadableOwedReply(change: String) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            for number in 1...3 {
                _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-\(number)"), state: .expired))
            }
        }
        try temporary.otherConnection().inDatabase { try $0.execute(sql: "PRAGMA foreign_keys = OFF; \(change)") }
        try await temporary.using { ledger in
            let owed = try await ledger.unpublishedReplies(after: nil, limit: 10)
            #expect(owed.replies.map(\.id) == [1, 3])
            #expect(owed.unreadable == [2])
            // The same with small pages.
            let page = try await ledger.unpublishedReplies(after: 1, limit: 1)
            #expect(page.replies.isEmpty)
            #expect(page.last == 2)
            #expect(try await ledger.unreadable(limit: 10) == [UnreadableRow(.replies, id: 2)])
        }
    }
}

extension LedgerError {
    fileprivate var isUnreadable: Bool { if case .unreadable = self { true } else { false } }
}
