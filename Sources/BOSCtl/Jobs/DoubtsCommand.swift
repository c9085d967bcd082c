import ArgumentParser
import Daemon
import JobEngine
import JobModel
import Ledger

/// `bosctl doubts`: the money of which nobody knows where it is, and what waits for a person's word.
struct DoubtsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doubts",
        abstract: "Lists recharges that may have been executed, and those held back unsent, the oldest first.",
        discussion: """
            Those in_doubt are asked about by worker and poller. "a person" means that nothing more happens by itself. One that is \
            parked is older than retry.doubt.maximumAge: bosctl retry asks BOS once more, bosctl resolve settles it. One that is held \
            repeats an earlier purchase (jobs.recharge.duplicateWindow) and was never sent: bosctl retry --send sends it, \
            bosctl resolve --failed refuses it.
            """)

    @OptionGroup var limit: LimitOption
    @OptionGroup var options: BrokerOptions

    func run() async throws {
        try await options.withLedger { access, _, console in
            let report = try await access.reading { try await DoubtsReport($0, limit: limit.limit, now: SystemClock().now()) }
            for line in report.lines { console.row(line) }
            for row in try await access.reading({ try await $0.unreadable(limit: limit.limit) }) {
                console.complain(row.advice(access.path))
            }
        }
    }
}
