import ArgumentParser
import ExactJSON
import LedgerSQLite

/// `bosctl ledger verify`: it checks the ledger thoroughly.
struct LedgerVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Checks the whole ledger: the file, every row, the counters, and that each recipient got one final reply.",
        discussion: """
            It reads every row in one transaction, and changes nothing; the worker may be running. It also checks a copy: \
            --ledger.url=sqlite:COPY. The exit code is 1 if something is wrong. bosctl doctor makes a quicker check.
            """)

    @OptionGroup var output: OutputOptions
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withLedger(isJSON: output.json) { access, _, console in
            let checks = try await access.keeping { try await $0.verify(access.path) }
            console.show(VerifyReport(checks))
            guard checks.allSatisfy(\.problems.isEmpty) else { throw ExitCode.failure }
        }
    }
}

/// The checks of a ledger, one or more lines each.
struct VerifyReport: Report {
    private let checks: [LedgerCheck]

    init(_ checks: [LedgerCheck]) { self.checks = checks }

    var lines: [String] {
        var table = TextTable(["check", "result", "what"])
        for check in checks {
            guard !check.problems.isEmpty else {
                table.add([check.name.rawValue, "ok", check.name.humanDescription])
                continue
            }
            for problem in check.problems { table.add([check.name.rawValue, "fault", problem]) }
        }
        let faults = checks.count { !$0.problems.isEmpty }
        guard faults > 0 else { return table.lines + ["The ledger is whole."] }
        return table.lines + [
            "\(faults) of \(checks.count) checks found faults. Keep the file as it is, and see",
            "/usr/share/doc/bos-worker/operating.md#a-ledger-with-faults",
        ]
    }

    var json: [JSONValue] {
        checks.map { check in
            .object([
                .init("check", .string(check.name.rawValue)), .init("ok", .bool(check.problems.isEmpty)),
                .init("problems", .array(check.problems.map { .string($0.printable) })),
            ])
        }
    }
}

extension LedgerCheck.Name {
    /// What is right when the check finds nothing.
    var humanDescription: String {
        switch self {
        case .file: "SQLite finds each page and each index whole"
        case .references: "each reply, recipient and history entry belongs to a job"
        case .rows: "each job can be read"
        case .tallies: "the counters of jobs and rupees are those of the jobs"
        case .ends: "each job that has ended has an end time and no owner, each open one no end time"
        case .replies: "each recipient of an ended job has one final reply, and it says how the job ended"
        case .history: "each job has a history without gaps"
        case .identity: "the ledger has one name"
        }
    }
}
