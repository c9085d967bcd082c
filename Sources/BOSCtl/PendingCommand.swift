import ArgumentParser
import Daemon
import JobEngine
import JobModel
import Ledger

/// `bosctl pending`: the PAN applications that are followed.
struct PendingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pending", abstract: "Lists PAN applications that BOS has not decided, the oldest first.",
        discussion: "bosctl retry REF has one checked at once.")

    @OptionGroup var limit: LimitOption
    @OptionGroup var options: BrokerOptions

    func run() async throws {
        try await options.withLedger { access, _, console in
            let (records, count) = try await access.reading { ledger in
                let records = try await ledger.jobs(.panStatus, in: .pending, limit: limit.limit)
                return (records, try await ledger.summary().stored[.init(.panStatus, .pending), default: 0])
            }
            for line in Self.lines(records, of: count, now: SystemClock().now()) { console.row(line) }
        }
    }

    private static func lines(_ records: [JobRecord], of count: Int, now: Timestamp) -> [String] {
        guard !records.isEmpty else { return ["No PAN application is pending."] }
        var table = TextTable(["refid", "age", "checks", "next"])
        for record in records {
            let next = record.owner == nil ? record.progress.dueAt.map { TimeText.due($0, at: now) } ?? "at its delivery" : "now"
            table.add([record.job.reference, TimeText.span(now - record.acceptedAt), String(record.progress.attempts), next])
        }
        let shown = records.count < count ? ", the first \(records.count) of them shown (--limit)" : ""
        return table.lines + ["\(count) pending\(shown)"]
    }
}
