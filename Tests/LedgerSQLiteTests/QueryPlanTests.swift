import GRDB
import Ledger
import Testing

@testable import LedgerSQLite

@Suite("The ledger's statements in SQLite", .timeLimit(.minutes(1)))
struct QueryPlanTests {
    /// The statements that may read a whole table or index, with the start of the step in their plan that does so.
    private static let scans: [String: String] = [
        "summary.counters": "SCAN tallies",
        "summary.countUnpublished": "SCAN outbox",
        "summary.oldestDue": "SEARCH jobs USING COVERING INDEX jobs_waiting",
        "lists.counterLeft": "SCAN tallies",
        // Runs only if two counts differ.
        "lists.strays": "SCAN jobs",
        // A few hundred rows at most.
        "codes.all": "SCAN codes",
        // A row for each lane at most.
        "operators.holds": "SCAN holds",
        "summary.check": "SCAN ledger",
        "summary.identity": "SCAN ledger",
        // A row or two.
        "restorings.open": "SCAN restorings",
        "restorings.end": "SCAN restorings",
        "lists.inState": "SEARCH jobs USING INDEX sqlite_autoindex_jobs_1 (kind=?)",
    ]

    @Test("take no longer when there are more final jobs, except for a few that may be slow")
    func noLongScans() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { _ in }
        try await temporary.otherConnection().write { database in
            var seen = 0
            // The statements that begin and end a transaction read no rows and have no plan.
            for case (let group?, let statements) in Mirror(reflecting: try Statements(database)).children where group != "transaction" {
                for case (let name?, let statement as PreparedStatement) in Mirror(reflecting: statements).children {
                    seen += 1
                    for step in try Self.plan(of: statement.sql, in: database) where Self.isLong(step) {
                        #expect(Self.scans["\(group).\(name)"].map { step.hasPrefix($0) } == true, "\(group).\(name): \(step)")
                    }
                }
            }
            #expect(seen > 20)
        }
    }

    @Test("search the last executed recharge backwards from the newest job, and doubts sent elsewhere among the jobs that are not final")
    func destinationPlans() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { _ in }
        try await temporary.otherConnection().write { database in
            let statements = try Statements(database)
            let last = try Self.plan(of: statements.lists.lastExecuted.sql, in: database)
            #expect(last.first == "SEARCH jobs USING INTEGER PRIMARY KEY (rowid>?)", "\(last)")
            #expect(!last.contains { $0.contains("TEMP B-TREE") }, "\(last)")
            let elsewhere = try Self.plan(of: statements.lists.sentElsewhere.sql, in: database).filter { $0.hasPrefix("SEARCH") }
            #expect(
                elsewhere == [
                    "SEARCH jobs USING INDEX jobs_unsettled (kind=? AND state=?)",
                    "SEARCH jobs USING INDEX jobs_to_poll (<expr>=? AND poll_at>?)",
                ])
        }
    }

    @Test("write rows without a temporary table")
    func noTemporaryTables() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { _ in }
        try await temporary.otherConnection().write { database in
            let statements = try Statements(database)
            for write in [statements.jobs.insert, statements.jobs.update, statements.replies.insert, statements.history.add] {
                let program = try database.makeStatement(sql: "EXPLAIN \(write.sql)")
                program.setUncheckedArguments(StatementArguments())
                let steps = try String.fetchAll(program, adapter: SuffixRowAdapter(fromIndex: 1))
                #expect(steps.count > 10)
                #expect(!steps.contains("OpenEphemeral"), "\(write.sql)")
            }
        }
    }

    private static func isLong(_ step: String) -> Bool { step.hasPrefix("SCAN") || step.contains("sqlite_autoindex_jobs_1 (kind=?)") }

    private static func plan(of sql: String, in database: Database) throws -> [String] {
        let statement = try database.makeStatement(sql: "EXPLAIN QUERY PLAN \(sql)")
        statement.setUncheckedArguments(StatementArguments())
        return try String.fetchAll(statement, adapter: SuffixRowAdapter(fromIndex: 3))
    }
}
