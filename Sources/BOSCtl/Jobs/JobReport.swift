import JobModel
import Ledger

/// One job with its history, as lines for operators.
struct JobReport {
    let record: JobRecord
    let history: [HistoryEntry]
    let now: Timestamp

    private var progress: Progress { record.progress }

    var lines: [String] {
        let facts = [
            ("why", progress.doubt?.humanDescription), ("what", subject), ("accepted", ago(record.acceptedAt)),
            ("first sent", progress.firstSentAt.map(ago)), ("sent to", progress.sentTo?.printable),
            ("BOS number", progress.bosReference?.printable), ("effort", effort), ("next", next), ("owner", owner),
            ("over", progress.completedAt.map(ago)), ("BOS said", answer), ("replies", replies),
        ]
        let head = "\(record.job.kind.rawValue) \(record.job.reference.printable): \(progress.state.humanDescription)"
        return [head] + facts.compactMap { name, text in text.map { "  \(name.padded(to: 12))\($0)" } } + ["  history"]
            + history.map(line)
    }

    private var subject: String? {
        guard case .recharge(let recharge) = record.job else { return nil }
        return "\(recharge.amount.rupees) rupees to \(masked(recharge.subscriber).printable), operator \(recharge.operatorID)"
    }

    private var effort: String {
        switch record.job.kind {
        case .recharge: "\(progress.attempts) sent, \(progress.enquiries) enquiries"
        case .rechargeStatus, .panStatus: "BOS asked \(progress.attempts) times"
        }
    }

    /// When the job goes on, and why it waits. `nil` once it is final.
    private var next: String? {
        guard !progress.state.isFinal else { return nil }
        if progress.state == .parked { return "a person: bosctl retry asks BOS again, bosctl resolve decides it" }
        if progress.state == .held { return "a person: bosctl retry --send sends it, bosctl resolve --failed refuses it" }
        if record.owner != nil, progress.dueAt.map({ $0 <= now }) ?? true { return "now" }
        let reason = progress.waitReason.map { ": \($0.humanDescription)" } ?? ""
        guard let dueAt = progress.dueAt else { return "as soon as its message is delivered again\(reason)" }
        return "\(TimeText.due(dueAt, at: now)), at \(dueAt.rfc3339)\(reason)"
    }

    private var owner: String? {
        if let owner = record.owner { return "\(owner.printable) works on it" }
        return progress.state.isFinal ? nil : "none, it waits in the ledger"
    }

    private var answer: String? {
        guard let answer = progress.answer else { return nil }
        let code = answer.responseCode.map { ", response_code \($0)" } ?? ""
        let message = answer.message.isEmpty ? "" : ", \"\(record.job.withoutSubscriber(answer.message))\""
        return "HTTP \(answer.httpStatus)\(code)\(message)"
    }

    private var replies: String {
        record.replyCount == 0 ? "none so far" : "\(record.replyCount) so far, each to every service that asks"
    }

    private func ago(_ moment: Timestamp) -> String { "\(moment.rfc3339), \(TimeText.span(now - moment)) ago" }

    private func line(_ entry: HistoryEntry) -> String {
        let start = "    \(entry.at.rfc3339)  "
        guard !entry.detail.isEmpty else { return start + entry.event.humanDescription }
        return start + entry.event.humanDescription.padded(to: 21) + record.job.withoutSubscriber(entry.detail)
    }
}
