import ArgumentParser
import Daemon

/// A duration on the command line, written as in the configuration: `250ms`, `30s`, `5m`, `2h`.
struct ArgumentDuration: ExpressibleByArgument {
    let duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        guard let duration = DurationText.parse(argument) else { return nil }
        self.duration = duration
    }

    var defaultValueDescription: String { DurationText.format(duration) }
}
