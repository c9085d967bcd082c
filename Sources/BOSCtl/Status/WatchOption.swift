import ArgumentParser
import Daemon

/// Whether a command repeats its report.
struct WatchOption: ParsableArguments {
    @Flag(help: "Show it again and again, until Ctrl-C.") var watch = false
    @Option(help: "With --watch: the pause between two reports.") var every = ArgumentDuration(.seconds(2))

    func validate() throws {
        guard every.duration >= .milliseconds(200) else { throw ValidationError("--every must be at least 200ms") }
    }

    /// Shows the report once, or repeatedly. On a terminal each report replaces the one before.
    /// - Returns: the last report.
    func show<Shown: Report>(on console: Console, _ report: () async throws -> Shown) async throws -> Shown {
        while true {
            let shown = try await report()
            if watch, console.isTerminal { console.clear() }
            console.show(shown)
            guard watch else { return shown }
            try await Task.sleep(for: every.duration)
        }
    }
}
