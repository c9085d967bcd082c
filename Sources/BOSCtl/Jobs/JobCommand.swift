import ArgumentParser
import Daemon
import JobEngine

/// `bosctl job REF`: it shows all that the ledger knows about a job.
struct JobCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job",
        abstract: "Shows the state of a job, when it goes on, and its history.",
        discussion: "Reads the ledger; the worker may be running. Of a subscriber's number only the last digits are shown.")

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
