import GRDB
import JobModel
import Ledger

/// One check of a ledger, and what it found.
package struct LedgerCheck: Sendable, Equatable {
    package enum Name: String, Sendable, CaseIterable {
        /// SQLite's own check of the file's pages and indexes.
        case file
        /// Each reply, history entry, recipient and owed reply belongs to a row that is there.
        case references
        /// Each job can be read as a run reads it.
        case rows
        /// The counters of jobs and rupees are those of the jobs.
        case tallies
        /// Each job that has ended has an end time and no owner, and each open job has neither.
        case ends
        /// Each recipient of a job that has ended has exactly one final reply, and it says how the job ended. An open job has none.
        case replies
        /// Each job has a history without gaps.
        case history
        /// The ledger has one name.
        case identity
    }

    package var name: Name
    /// One clause for each problem, without subscribers' numbers. Empty if there is none.
    package var problems: [String]

    package init(_ name: Name, problems: [String]) {
        self.name = name
        self.problems = problems
    }

    /// How many problems of one check are listed.
    static let longestList = 10

    /// Makes all checks in one transaction, so that a worker that runs meanwhile does not matter.
    static func all(_ database: Database) throws -> [LedgerCheck] {
        let file = try fileProblems(database)
        // The content of a damaged file shows nothing.
        guard file.isEmpty else { return [LedgerCheck(.file, problems: file)] }
        return try Name.allCases.map { name in
            LedgerCheck(name, problems: name == .file ? file : try problems(of: name, in: database))
        }
    }

    /// - Parameter quick: leaves out whether each index agrees with its table, which takes most of the time.
    static func fileProblems(_ database: Database, quick: Bool = false) throws -> [String] {
        let pragma = quick ? "quick_check" : "integrity_check"
        let lines = try String.fetchAll(database, sql: "PRAGMA \(pragma)(\(longestList))")
        return lines == ["ok"] ? [] : lines
    }

    private static func problems(of name: Name, in database: Database) throws -> [String] {
        switch name {
        case .file: try fileProblems(database)
        case .references: try list(referenceProblems(database))
        case .rows: try list(rowProblems(database))
        case .tallies: try list(String.fetchAll(database, sql: Query.tallies))
        case .ends: try list(String.fetchAll(database, sql: Query.ends))
        case .replies: try list(Query.replies.flatMap { try String.fetchAll(database, sql: $0) })
        case .history: try list(String.fetchAll(database, sql: Query.history))
        case .identity: try list(String.fetchAll(database, sql: Query.identity))
        }
    }

    private static func list(_ problems: [String]) -> [String] {
        guard problems.count > longestList else { return problems }
        return problems.prefix(longestList) + ["and \(problems.count - longestList) more"]
    }

    static func referenceProblems(_ database: Database) throws -> [String] {
        try Row.fetchAll(database, sql: "PRAGMA foreign_key_check").map { row in
            let (table, parent): (String?, String?) = (row[0], row[2])
            return "a row of \(table ?? "?") belongs to no row of \(parent ?? "?")"
        }
    }

    private static func rowProblems(_ database: Database) throws -> [String] {
        var problems: [String] = []
        try PreparedStatement("SELECT \(JobColumns.read) FROM jobs", in: database).query(row: { row in
            do { _ = try JobColumns.record(row) } catch { problems.append("job \(row.int64(0)): \(error)") }
        })
        return problems
    }
}

/// Each query returns one sentence for each problem.
private enum Query {
    private static func list(_ values: [String]) -> String { "(\(values.map { "'\($0)'" }.joined(separator: ", ")))" }
    private static let finalStates = list(JobState.allCases.filter(\.isFinal).map(\.rawValue))
    private static let finalRechargeOutcomes = list(Outcome.allCases.filter { $0.isFinal(for: .recharge) }.map(\.rawValue))

    static let tallies = """
        SELECT 'the counter of ' || kind || ' ' || state || ' says ' || sum(counted) || ' jobs and ' || sum(counted_paise)
            || ' paise; there are ' || sum(found) || ' jobs and ' || sum(found_paise) || ' paise'
        FROM (
            SELECT kind, state, count AS counted, paise AS counted_paise, 0 AS found, 0 AS found_paise FROM tallies
            UNION ALL
            SELECT kind, state, 0, 0, count(*), sum(amount_paise) FROM jobs GROUP BY kind, state
        ) GROUP BY kind, state HAVING sum(counted) <> sum(found) OR sum(counted_paise) <> sum(found_paise)
        """

    static let ends = """
        SELECT 'job ' || id || ' is ' || state || ' and '
            || CASE WHEN state NOT IN \(finalStates) THEN 'has an end time'
                WHEN completed_at IS NULL THEN 'has no end time' ELSE 'has an owner or a due time' END
        FROM jobs
        WHERE CASE WHEN state IN \(finalStates) THEN completed_at IS NULL OR owner IS NOT NULL OR poll_at IS NOT NULL
            ELSE completed_at IS NOT NULL END
        """

    /// The recipients of each job: the first one and the others.
    private static let recipients = """
        SELECT id AS job, correlation_id, reply_to FROM jobs UNION ALL SELECT job, correlation_id, reply_to FROM askers
        """

    static let replies = [
        """
        SELECT 'job ' || j.id || ' is ' || j.state || ' and a recipient has no last reply'
        FROM jobs j JOIN (\(recipients)) a ON a.job = j.id
        WHERE j.state IN \(finalStates) AND NOT EXISTS (
            SELECT 1 FROM replies r WHERE r.job = j.id AND r.number = j.replies_told AND r.correlation_id = a.correlation_id
            AND r.reply_to = a.reply_to)
        """,
        """
        SELECT 'recharge job ' || j.id || ' has ' || count(*) || ' final replies to one recipient'
        FROM jobs j JOIN replies r ON r.job = j.id
        WHERE j.kind = 'recharge' AND r.outcome IN \(finalRechargeOutcomes)
        GROUP BY j.id, r.correlation_id, r.reply_to HAVING count(*) > 1
        """,
        """
        SELECT 'recharge job ' || j.id || ' is ' || j.state || ' and a final reply says ' || r.outcome
        FROM jobs j JOIN replies r ON r.job = j.id
        WHERE j.kind = 'recharge' AND r.outcome IN \(finalRechargeOutcomes) AND r.outcome <> j.state
        """,
        """
        SELECT 'the message id of reply ' || max(id) || ' belongs to ' || count(*) || ' replies' FROM replies
        GROUP BY message_id HAVING count(*) > 1
        """,
    ]

    static let history = """
        SELECT 'job ' || j.id || ' has ' || count(h.number) || ' entries of its history, numbered up to ' || coalesce(max(h.number), 0)
        FROM jobs j LEFT JOIN history h ON h.job = j.id GROUP BY j.id
        HAVING count(h.number) = 0 OR min(h.number) <> 1 OR max(h.number) <> count(h.number)
        """

    static let identity = """
        SELECT 'the table ledger has ' || rows || ' rows' FROM (SELECT count(*) AS rows FROM ledger) WHERE rows <> 1
        """
}
