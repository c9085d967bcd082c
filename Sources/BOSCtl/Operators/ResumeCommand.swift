import ArgumentParser
import Daemon
import Ledger
import LedgerSQLite

/// `bosctl resume recharges|questions`: an operator ends a hold.
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Ends a hold of recharges or questions: the worker takes them again.",
        discussion: """
            The worker sees it within two seconds. If the worker has paused for another reason too, that reason still stands: `curl \
            127.0.0.1:9464/readyz` on the worker says which.
            """)

    @Argument(help: "recharges, or questions.") var jobs: HeldJobs
    @OptionGroup var reason: ReasonOption
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withLedger { access, settings, console in
            try await access.writing { ledger in
                guard let hold = try await ledger.holds()[jobs.lane] else { throw CommandFailure.notHeld(jobs) }
                console.row("The worker takes \(jobs.rawValue) from \(jobs.queue(settings)) again, from within two seconds on.")
                try await ledger.recording("resume \(jobs.rawValue)", about: jobs.queue(settings), because: reason.reason) {
                    let ended = try await ledger.setHold(nil, of: jobs.lane) ?? hold
                    console.row("\(jobs.rawValue) go on; they were \(ended)")
                    return "the hold ended; it was: \(ended)"
                }
            }
        }
    }
}
