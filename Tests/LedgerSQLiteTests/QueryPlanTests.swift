import GRDB
import Ledger
import Testing

@testable import LedgerSQLite

@Suite("The ledger's questions to SQLite", .timeLimit(.minutes(1)))
struct QueryPlanTests {
    /// What may read a table or an index from end to end, and why that is short.
    private static let scans: [String: String] = [
        "tallies": "SCAN tallies",
        "countUnpublished": "SCAN outbox",
        "oldestDue": "SEARCH jobs USING COVERING INDEX jobs_waiting",
        "tallyLeft": "SCAN tallies",
        // Only if a count does not fit.
        "strays": "SCAN jobs",
        // A few hundred rows at the most.
        "codes": "SCAN codes",
        "check": "SCAN ledger",
        "identity": "SCAN ledger",
        "jobsInState": "SEARCH jobs USING INDEX sqlite_autoindex_jobs_1 (kind=?)",
    ]

    @Test("none reads more of a table the more jobs have ended, but those that nobody asks in a hurry")
    func plans() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { _ in }
        try await temporary.otherConnection().write { database in
            var seen = 0
            for case (let name?, let statement as PreparedStatement) in Mirror(reflecting: try Statements(database)).children {
                seen += 1
                for step in try Self.plan(statement.sql, database) where Self.isLong(step) {
                    #expect(Self.scans[name].map { step.hasPrefix($0) } == true, "\(name): \(step)")
                }
            }
            #expect(seen > 20)
        }
    }

    @Test("the last recharge that BOS has done is looked for from the newest job backwards, what was sent elsewhere among what is not over")
    func destinations() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { _ in }
        try await temporary.otherConnection().write { database in
            let statements = try Statements(database)
            let last = try Self.plan(statements.lastExecuted.sql, database)
            #expect(last.first == "SEARCH jobs USING INTEGER PRIMARY KEY (rowid>?)", "\(last)")
            #expect(!last.contains { $0.contains("TEMP B-TREE") }, "\(last)")
            let elsewhere = try Self.plan(statements.sentElsewhere.sql, database).filter { $0.hasPrefix("SEARCH") }
            #expect(
                elsewhere == [
                    "SEARCH jobs USING INDEX jobs_unsettled (kind=? AND state=?)",
                    "SEARCH jobs USING INDEX jobs_to_poll (<expr>=? AND poll_at>?)",
                ])
        }
    }

    @Test("no row is written through a table that SQLite builds for it")
    func writes() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { _ in }
        try await temporary.otherConnection().write { database in
            let statements = try Statements(database)
            for write in [statements.insertJob, statements.updateJob, statements.insertReply, statements.addHistory] {
                let program = try database.makeStatement(sql: "EXPLAIN \(write.sql)")
                program.setUncheckedArguments(StatementArguments())
                let steps = try String.fetchAll(program, adapter: SuffixRowAdapter(fromIndex: 1))
                #expect(steps.count > 10)
                #expect(!steps.contains("OpenEphemeral"), "\(write.sql)")
            }
        }
    }

    private static func isLong(_ step: String) -> Bool { step.hasPrefix("SCAN") || step.contains("sqlite_autoindex_jobs_1 (kind=?)") }

    private static func plan(_ sql: String, _ database: Database) throws -> [String] {
        let statement = try database.makeStatement(sql: "EXPLAIN QUERY PLAN \(sql)")
        statement.setUncheckedArguments(StatementArguments())
        return try String.fetchAll(statement, adapter: SuffixRowAdapter(fromIndex: 3))
    }
}
