import ArgumentParser
import Daemon
import JobModel

/// What the publish commands have in common: how many jobs, how fast, and what is shown of them.
struct PublishOptions: ParsableArguments {
    @Option(help: "How many jobs to publish.") var count = 1
    @Option(help: "Jobs per second; as fast as the broker confirms when absent.") var rate: Double?
    @Option(help: "Publish each line of this file as a job's body, unchanged; - is the standard input.") var file: String?
    @Flag(help: "Wait for the final reply to each job.") var wait = false
    @Option(help: "How long to wait for replies after the last job was published, such as 500ms, 60s or 5m.")
    var timeout = ArgumentDuration(.seconds(60))
    @Flag(help: "Print one JSON object a line instead of a table.") var json = false
    @OptionGroup var broker: BrokerOptions

    func validate() throws {
        guard (1...10_000_000).contains(count) else { throw ValidationError("--count must be from 1 to 10000000") }
        guard rate.map({ $0 > 0 && $0 <= 1_000_000 }) ?? true else { throw ValidationError("--rate must be above 0, in jobs per second") }
        guard file == nil || count == 1 else { throw ValidationError("give --count or --file, not both") }
    }

    /// Publishes the jobs and ends the process's work with the exit code that says how it went.
    /// - Parameter template: `nil` when the jobs come from a file.
    func run(_ kind: JobKind, template: JobTemplate?) async throws {
        let batch =
            if let template { JobBatch(kind, template, count: count) } else { try JobBatch(kind, file: file ?? "-") }
        let settings = try broker.settings()
        let console = Console(isJSON: json)
        do {
            let publication = try Publication(batch, options: self, settings: settings, console: console)
            let code = try await publication.run()
            if code != .success { throw code }
        } catch let error as BrokerError {
            console.complain("\(error)")
            throw ArgumentParser.ExitCode(ProcessExit.notDrained.rawValue)
        }
    }
}
