import GRDB
import JobModel
import Ledger
import LedgerKit
import Testing

@testable import LedgerSQLite

@Suite("A ledger of an older version", .timeLimit(.minutes(1)))
struct MigrationTests {
    @Test("has the same content after its migration, for jobs of each kind in each state", arguments: ["3", "4", "5"])
    func migratedContent(version: String) async throws {
        let (new, old) = (try TemporaryLedger(), try TemporaryLedger())
        let written = try await new.using { ledger in
            try await Self.fill(ledger)
            return try await Contents(of: ledger)
        }
        let before = try Self.stepBack(new, to: version, in: old)
        let read = try await old.using { try await Contents(of: $0) }
        #expect(read.jobs.count == JobState.allCases.count * JobKind.allCases.count)
        for (job, expected) in zip(read.jobs, written.jobs.map { Self.job($0, in: version) }) { #expect(job == expected) }
        #expect(read.histories == written.histories)
        #expect(!read.owed.isEmpty)
        #expect(read.owed == written.owed)
        #expect(read.summary == written.summary)
        #expect(!written.codes.isEmpty)
        #expect(read.codes == (version == "3" ? [] : written.codes))
        let after = try old.otherConnection().inDatabase { try Self.rows(before.columns, of: $0) }
        for (table, rows) in before.rows { #expect(after[table] == rows, "\(table)") }
        try old.expectReferencesHold()
    }

    @Test("leases each due job exactly once after its migration")
    func migratedLeases() async throws {
        let (new, old) = (try TemporaryLedger(), try TemporaryLedger())
        try await new.using { try await Self.fill($0) }
        _ = try Self.stepBack(new, to: "3", in: old)
        try await old.using { ledger in
            for lane in [JobLane.money, .questions] {
                let (now, leaseEnd) = (Sample.moment(1_000_000), Sample.moment(1_000_060))
                let batch = try await ledger.takeDue(lane, at: now, leaseEnd: leaseEnd, limit: 100)
                #expect(batch.unreadable.isEmpty)
                #expect(!batch.jobs.isEmpty)
                let again = try await ledger.takeDue(lane, at: now, leaseEnd: leaseEnd, limit: 100)
                #expect(again == DueBatch([]))
            }
        }
    }

    @Test("may contain a due time in the year 10000, which is read as the last millisecond of 9999")
    func year10000() async throws {
        let temporary = try TemporaryLedger()
        let last = Timestamp(milliseconds: Timestamp.plausible.upperBound)
        try await temporary.using { ledger in
            let id = try #require(try await ledger.claim(Sample.claim()).record).id
            _ = try await ledger.update(Sample.update(id, to: .held, dueAt: last, event: .parked))
        }
        try temporary.otherConnection().inDatabase {
            try $0.execute(sql: "UPDATE jobs SET due_at = 253402300800000, poll_at = 253402300800000")
        }
        try await temporary.using { ledger in
            let unreadable = try await ledger.unreadable(limit: 10)
            #expect(unreadable.isEmpty)
            let held = try await ledger.jobs(.recharge, in: .held, limit: 10)
            #expect(held.map(\.progress) == [Sample.progress(.held, dueAt: last)])
        }
    }

    // MARK: Help

    /// All that a ledger returns.
    private struct Contents {
        var jobs: [JobRecord] = []
        var histories: [[HistoryEntry]] = []
        let owed: [OutgoingReply]
        let summary: LedgerSummary
        let codes: [CodeCount]

        init(of ledger: SQLiteLedger) async throws {
            for (kind, state) in MigrationTests.cases {
                let (record, history) = try #require(try await ledger.job(kind, reference: "r-\(state.rawValue)"))
                jobs.append(record)
                histories.append(history)
            }
            owed = try await ledger.unpublishedReplies(after: nil, limit: 1_000).replies
            summary = try await ledger.summary()
            codes = try await ledger.codes()
        }
    }

    private static let cases = JobKind.allCases.flatMap { kind in JobState.allCases.map { (kind, $0) } }

    /// Stores jobs of each kind in each state, with all fields set and two recipients each. Some replies are owed, some are published.
    private static func fill(_ ledger: SQLiteLedger) async throws {
        for (number, (kind, state)) in cases.enumerated() {
            let job = Sample.job(kind, reference: "r-\(state.rawValue)", paise: 100 + Int64(number))
            let message = kind == .recharge ? nil : "m-\(number)"
            let id = try #require(try await ledger.claim(Sample.claim(job, state: .accepted).delivered(as: message)).record).id
            _ = try await ledger.claim(Sample.claim(job, recipient: Sample.recipient("c-2", replyTo: nil), owner: "run-2", live: ["run-1"]))
            let hasReply = state.isFinal || state == .inDoubt
            var update = Sample.update(
                id, to: state, reply: hasReply ? Sample.reply(job, state: state) : nil,
                dueAt: state.isFinal || state == .parked ? nil : Sample.moment(100 + Int64(number))
            ).keepingOwnership(if: state == .sending)
            update.sightings = [CodeSighting(.init(.recharge, httpStatus: 200, responseCode: number), message: "m")]
            let replies = try #require(try await ledger.update(update).replies)
            try await ledger.markPublished(replies.prefix(1).map(\.id))
        }
    }

    /// Copies the ledger into a file of an older version, as far as that version had columns.
    private static func stepBack(
        _ new: TemporaryLedger, to version: String, in old: TemporaryLedger
    ) throws -> (columns: [String: String], rows: [String: Set<Row>]) {
        let queue = try old.otherConnection()
        try Schema.migrator.migrate(queue, upTo: version)
        let result = try queue.inDatabase { database in
            let columns = try columns(of: database)
            try database.execute(sql: "PRAGMA foreign_keys = OFF")
            try database.execute(sql: "ATTACH ? AS new", arguments: [new.path])
            for (table, names) in columns {
                try database.execute(
                    sql: "DELETE FROM main.\(table); INSERT INTO main.\(table) (\(names)) SELECT \(names) FROM new.\(table)")
            }
            return (columns, try rows(columns, of: database))
        }
        try queue.close()
        return result
    }

    /// The columns of each table of the ledger.
    private static func columns(of database: Database) throws -> [String: String] {
        let tables = try String.fetchAll(
            database, sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'grdb%' AND name NOT LIKE 'sqlite%'")
        return try tables.reduce(into: [:]) { columns, table in
            columns[table] = try database.columns(in: table).map(\.name).joined(separator: ", ")
        }
    }

    private static func rows(_ columns: [String: String], of database: Database) throws -> [String: Set<Row>] {
        try columns.reduce(into: [:]) { rows, table in
            rows[table.key] = Set(try Row.fetchAll(database, sql: "SELECT \(table.value) FROM main.\(table.key)"))
        }
    }

    /// The job as the older version could store it.
    private static func job(_ job: JobRecord, in version: String) -> JobRecord {
        var job = job
        job.progress.evidence = nil
        guard version != "5" else { return job }
        job.progress.aheadSince = nil
        job.progress.notFoundWindow = nil
        guard version == "3" else { return job }
        job.progress.sentTo = nil
        job.progress.bosReference = nil
        job.progress.credentialRefusals = 0
        return job
    }
}
