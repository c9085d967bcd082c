import ArgumentParser
import Daemon
import JobEngine

/// `bosctl job REF`: all that the ledger knows of a job.
struct JobCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job",
        abstract: "Shows where a job stands, when it goes on and what happened to it.",
        discussion: "Reads the ledger beside the worker. No subscriber's number is shown but for its last digits.")

    @Argument(help: ArgumentHelp("The job's reference: referenceid or refid.", valueName: "reference")) var reference: String
    @OptionGroup var kind: KindOption
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withLedger { access, _, console in
            let jobs = try await access.reading { try await kind.jobs(reference, in: $0, path: access.path) }
            let now = SystemClock().now()
            for (record, history) in jobs {
                for line in JobReport(record: record, history: history, now: now).lines { console.row(line) }
            }
        }
    }
}
