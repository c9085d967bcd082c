import ArgumentParser
import ExactJSON
import JobEngine
import JobModel
import Ledger
import LedgerSQLite

/// `bosctl ledger backup FILE`: it copies the ledger while the worker uses it.
struct LedgerBackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copies the ledger into a new file while the worker uses it, and checks the copy.",
        discussion: """
            The copy is one file with mode 0600. It is written under another name, checked, and put on disk before it gets its own name. An \
            existing file is never replaced. The copy is marked: no worker and no poller works with it. bosctl reads it \
            (--ledger.url=sqlite:COPY), and bosctl ledger restore makes a ledger of it after a loss. It holds subscribers' numbers.
            """)

    @Argument(help: ArgumentHelp("The new file. It must not exist, and its folder must.", valueName: "file")) var file: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withLedger(isJSON: output.json) { access, _, console in
            let overview = try await access.keeping {
                try await $0.copy(access.path, to: file, author: "\(OperatorIdentity.current)", at: SystemClock().now())
            }
            console.show(BackupReport(file: file, overview: overview))
        }
    }
}

/// What was copied.
struct BackupReport: Report {
    let file: String
    let overview: LedgerKeeper.Overview

    private var open: Int { overview.openRecharges.values.reduce(0) { $0 + $1.count } }

    var lines: [String] {
        [
            "copied \((overview.mark?.source ?? "the ledger").printable) to \(file.printable)",
            "\(overview.jobs) jobs, \(open) recharges open, \(SizeText.bytes(overview.bytes)), checked; marked as a copy, so no worker starts with it",
        ]
    }

    var json: [JSONValue] {
        [
            .object([
                .init("file", .string(file)), .init("source", .string(overview.mark?.source ?? "")),
                .init("made_at", overview.mark.map { .string($0.madeAt.rfc3339) } ?? .null),
                .init("jobs", .number(String(overview.jobs))), .init("open_recharges", .number(String(open))),
                .init("bytes", .number(String(overview.bytes))),
            ])
        ]
    }
}
