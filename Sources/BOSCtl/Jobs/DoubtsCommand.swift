import ArgumentParser
import Daemon
import ExactJSON
import JobEngine
import JobModel
import Ledger

/// `bosctl doubts`: it lists the recharges with unknown outcome, and those that wait for an operator's decision.
struct DoubtsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doubts",
        abstract: "Lists recharges that may have been executed, and recharges that are held unsent, the oldest first.",
        discussion: """
            Worker and poller ask BOS about a recharge that is in_doubt. In the column "next", "a person" means that nothing more happens \
            until you decide. For a parked recharge the worker has stopped asking: bosctl job says why, bosctl retry asks BOS once more, \
            bosctl resolve decides it. A held recharge repeats an earlier purchase (jobs.recharge.duplicateWindow) and was never sent: \
            bosctl retry --send sends it, bosctl resolve --failed refuses it.
            """)

    @OptionGroup var limit: LimitOption
    @OptionGroup var output: OutputOptions
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withLedger(isJSON: output.json) { access, _, console in
            console.show(try await access.reading { try await DoubtsReport($0, limit: limit.limit, now: SystemClock().now()) })
            try await access.printUnreadableRows(limit: limit.limit, to: console)
        }
    }
}

/// The recharges that are in doubt or held, as a table for operators.
struct DoubtsReport: Report {
    private struct Doubt {
        let record: JobRecord
        /// The last entry of the history that has a detail, with the subscriber's number masked.
        let known: String

        /// When it was first sent. If that is unknown, when it was accepted, which is never later.
        var since: Timestamp { record.progress.firstSentAt ?? record.acceptedAt }
    }

    private let doubts: [Doubt]
    private let summary: LedgerSummary
    private let now: Timestamp

    init(_ ledger: any Ledger, limit: Int, now: Timestamp) async throws {
        self.now = now
        summary = try await ledger.summary()
        var records: [JobRecord] = []
        for state in [JobState.inDoubt, .parked, .held] { records += try await ledger.jobs(.recharge, in: state, limit: limit) }
        var doubts: [Doubt] = []
        for record in records {
            let history = (try? await ledger.job(.recharge, reference: record.job.reference))?.history ?? []
            let known = history.last { !$0.detail.isEmpty }?.detail ?? ""
            doubts.append(Doubt(record: record, known: record.job.withoutSubscriber(known)))
        }
        self.doubts = Array(doubts.sorted { $0.since < $1.since }.prefix(limit))
    }

    var lines: [String] {
        guard !doubts.isEmpty else { return ["No recharge is in doubt or held."] }
        var table = TextTable(["reference", "age", "rupees", "state", "why", "enquiries", "next", "known"])
        for doubt in doubts { table.add(cells(doubt)) }
        return table.lines + [total]
    }

    var json: [JSONValue] {
        doubts.map { doubt in
            let (job, progress) = (doubt.record.job, doubt.record.progress)
            return .object([
                .init("reference", .string(job.reference)), .init("amount", .string(job.amount.rupees)),
                .init("state", .string(progress.state.rawValue)), .init("why", progress.doubt.map { .string($0.rawValue) } ?? .null),
                .init("since", .string(doubt.since.rfc3339)), .init("enquiries", .number(String(progress.enquiries))),
                .init("needs_person", .bool(progress.state.needsManualReview)),
                .init("due_at", progress.dueAt.map { .string($0.rfc3339) } ?? .null), .init("known", .string(doubt.known)),
            ])
        }
    }

    private func cells(_ doubt: Doubt) -> [String] {
        let progress = doubt.record.progress
        return [
            doubt.record.job.reference, TimeText.span(now - doubt.since), doubt.record.job.amount.rupees, progress.state.rawValue,
            progress.doubt?.humanDescription ?? progress.state.humanDescription, String(progress.enquiries), next(doubt.record),
            doubt.known,
        ]
    }

    private func next(_ record: JobRecord) -> String {
        if record.progress.state.needsManualReview { return "a person" }
        if record.owner != nil { return "now" }
        return record.progress.dueAt.map { TimeText.due($0, at: now) } ?? "at its delivery"
    }

    private var total: String {
        let parked = summary.stored[.init(.recharge, in: .parked), default: 0]
        let count = parked + summary.stored[.init(.recharge, in: .inDoubt), default: 0]
        let held = summary.stored[.init(.recharge, in: .held), default: 0]
        let shown = doubts.count < count + held ? ", the first \(doubts.count) of them shown (--limit)" : ""
        let left = parked > 0 ? ", \(parked) of them left to a person" : ""
        let others = held > 0 ? "; \(held) never sent, held for a person" : ""
        return "\(count) in doubt, \(summary.doubtAmount.rupees) rupees\(left)\(others)\(shown)"
    }
}
