import ArgumentParser
import Daemon
import JobEngine
import JobModel
import Ledger

/// `bosctl pending`: it lists the PAN applications that the worker follows.
struct PendingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pending",
        abstract: "Lists PAN applications that BOS has not decided yet, or was not asked about yet, the oldest first.",
        discussion: "bosctl retry REF checks an application at once.")

    @OptionGroup var limit: LimitOption
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withLedger { access, _, console in
            let now = SystemClock().now()
            let report = try await access.reading { try await PendingReport($0, limit: limit.limit, now: now) }
            for line in report.lines { console.row(line) }
            try await access.printUnreadableRows(limit: limit.limit, to: console)
        }
    }
}

/// The PAN applications that the worker follows, as a table for operators.
struct PendingReport {
    private let records: [JobRecord]
    private let pending: Int
    /// How many applications were accepted and have no answer of BOS yet.
    private let unasked: Int
    private let now: Timestamp

    init(_ ledger: any Ledger, limit: Int, now: Timestamp) async throws {
        self.now = now
        let summary = try await ledger.summary()
        pending = summary.stored[.init(.panStatus, in: .pending), default: 0]
        unasked = summary.stored[.init(.panStatus, in: .accepted), default: 0]
        var records: [JobRecord] = []
        for state in [JobState.pending, .accepted] { records += try await ledger.jobs(.panStatus, in: state, limit: limit) }
        self.records = Array(records.sorted { ($0.acceptedAt, $0.id) < ($1.acceptedAt, $1.id) }.prefix(limit))
    }

    var lines: [String] {
        guard !records.isEmpty else { return ["No PAN application is pending."] }
        var table = TextTable(["refid", "age", "checks", "BOS says", "next"])
        for record in records { table.add(cells(record)) }
        let first = unasked > 0 ? ", \(unasked) being asked about for the first time" : ""
        let shown = records.count < pending + unasked ? ", the first \(records.count) of them shown (--limit)" : ""
        return table.lines + ["\(pending) pending\(first)\(shown)"]
    }

    private func cells(_ record: JobRecord) -> [String] {
        let next = record.owner == nil ? record.progress.dueAt.map { TimeText.due($0, at: now) } ?? "at its delivery" : "now"
        let said = record.progress.state == .pending ? "not decided" : "nothing yet"
        return [record.job.reference, TimeText.span(now - record.acceptedAt), String(record.progress.attempts), said, next]
    }
}
