package import JobModel
package import Ledger
import Metrics

/// What the ledger counts, as metrics; made once. Source of names and labels: contract.md, "Metrics".
package final class LedgerMetrics: Sendable {
    private let stored: [LedgerSummary.Key: Gauge]
    private let oldestDoubt = Gauge(label: "bos_doubt_oldest_age_seconds")
    private let doubtAmount = Gauge(label: "bos_doubt_amount_rupees")
    private let panPending = Gauge(label: "bos_pan_pending")
    private let repliesOwed = Gauge(label: "bos_replies_owed")
    private let oldestDue = Gauge(label: "bos_due_oldest_age_seconds")

    package init() {
        stored = Dictionary(
            uniqueKeysWithValues: JobKind.allCases.flatMap { kind in
                JobState.allCases.map { state in
                    let labels = [("kind", kind.rawValue), ("state", state.rawValue)]
                    return (LedgerSummary.Key(kind, state), Gauge(label: "bos_jobs_stored", dimensions: labels))
                }
            })
    }

    package func show(_ summary: LedgerSummary, at now: Timestamp) {
        for (key, gauge) in stored { gauge.record(summary.stored[key] ?? 0) }
        func age(_ moment: Timestamp?) -> Double { moment.map { Double(max(0, now.milliseconds - $0.milliseconds)) / 1_000 } ?? 0 }
        oldestDoubt.record(age(summary.oldestDoubt))
        oldestDue.record(age(summary.oldestDue))
        doubtAmount.record(Double(summary.doubtAmount.paise) / 100)
        repliesOwed.record(summary.unpublishedReplies)
        panPending.record(summary.stored[LedgerSummary.Key(.panStatus, .pending)] ?? 0)
    }
}
