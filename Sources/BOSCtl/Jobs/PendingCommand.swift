import ArgumentParser
import Daemon
import JobEngine
import JobModel
import Ledger

/// `bosctl pending`: the PAN applications that are followed.
struct PendingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pending",
        abstract: "Lists PAN applications that BOS has not decided, or has not been asked about yet, the oldest first.",
        discussion: "bosctl retry REF has one checked at once.")

    @OptionGroup var limit: LimitOption
    @OptionGroup var options: BrokerOptions

    func run() async throws {
        try await options.withLedger { access, _, console in
            let now = SystemClock().now()
            let report = try await access.reading { try await PendingReport($0, limit: limit.limit, now: now) }
            for line in report.lines { console.row(line) }
            for row in try await access.reading({ try await $0.unreadable(limit: limit.limit) }) {
                console.complain(row.advice(access.path))
            }
        }
    }
}
