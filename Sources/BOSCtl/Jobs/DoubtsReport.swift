import JobModel
import Ledger

/// The recharges that are in doubt or held back as a person reads them.
struct DoubtsReport {
    private struct Doubt {
        let record: JobRecord
        /// What is known: the last thing that the history tells in more than a word.
        let known: String

        /// Nobody has to know when it was sent; it cannot have been before it was accepted.
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
        guard !doubts.isEmpty else { return ["No recharge is in doubt or held back."] }
        var table = TextTable(["reference", "age", "rupees", "state", "why", "enquiries", "next", "known"])
        for doubt in doubts { table.add(cells(doubt)) }
        return table.lines + [total]
    }

    private func cells(_ doubt: Doubt) -> [String] {
        let progress = doubt.record.progress
        return [
            doubt.record.job.reference, TimeText.span(now - doubt.since), doubt.record.job.amount.rupees, progress.state.rawValue,
            progress.doubt?.words ?? progress.state.words, String(progress.enquiries), next(doubt.record), doubt.known,
        ]
    }

    private func next(_ record: JobRecord) -> String {
        if record.progress.state.isLeftToPerson { return "a person" }
        if record.owner != nil { return "now" }
        return record.progress.dueAt.map { TimeText.due($0, at: now) } ?? "at its delivery"
    }

    private var total: String {
        let parked = summary.stored[.init(.recharge, in: .parked), default: 0]
        let count = parked + summary.stored[.init(.recharge, in: .inDoubt), default: 0]
        let held = summary.stored[.init(.recharge, in: .held), default: 0]
        let shown = doubts.count < count + held ? ", the first \(doubts.count) of them shown (--limit)" : ""
        let left = parked > 0 ? ", \(parked) of them left to a person" : ""
        let others = held > 0 ? "; \(held) never sent, held back for a person" : ""
        return "\(count) in doubt, \(summary.doubtAmount.rupees) rupees\(left)\(others)\(shown)"
    }
}
