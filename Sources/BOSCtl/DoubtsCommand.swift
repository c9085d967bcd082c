import ArgumentParser
import Daemon
import JobEngine
import JobModel
import Ledger

/// `bosctl doubts`: the money of which nobody knows where it is.
struct DoubtsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doubts",
        abstract: "Lists recharges that may have been executed, the oldest first.",
        discussion: """
            Those that wait are asked about by worker and poller. "a person" means that nothing more happens by itself \
            (retry.doubt.maximumAge): bosctl retry asks BOS once more, bosctl resolve settles it.
            """)

    @OptionGroup var limit: LimitOption
    @OptionGroup var options: BrokerOptions

    func run() async throws {
        try await options.withLedger { access, _, console in
            let report = try await access.reading { try await DoubtsReport($0, limit: limit.limit, now: SystemClock().now()) }
            for line in report.lines { console.row(line) }
        }
    }
}
