package import JobModel
package import Ledger
import Metrics
private import Synchronization

/// What the ledger counts, as metrics; made once. Source of names and labels: operating.md#metrics.
package final class LedgerMetrics: Sendable {
    private let stored: [LedgerSummary.Key: Gauge]
    private let oldestDoubt = Gauge(label: "bos_doubt_oldest_age_seconds")
    private let doubtAmount = Gauge(label: "bos_doubt_amount_rupees")
    private let panPending = Gauge(label: "bos_pan_pending")
    private let repliesOwed = Gauge(label: "bos_replies_owed")
    private let oldestDue = Gauge(label: "bos_due_oldest_age_seconds")
    private let ages = Mutex((doubt: ObservedAge(), due: ObservedAge()))

    package init() {
        stored = Dictionary(
            uniqueKeysWithValues: JobKind.allCases.flatMap { kind in
                JobState.allCases.map { state in
                    let labels = [("kind", kind.rawValue), ("state", state.rawValue)]
                    return (LedgerSummary.Key(kind, in: state), Gauge(label: "bos_jobs_stored", dimensions: labels))
                }
            })
    }

    /// - Parameter uptime: of the clock that nothing sets; ages grow by it while the civil clock is behind.
    package func show(_ summary: LedgerSummary, at now: Timestamp, uptime: Duration) {
        for (key, gauge) in stored { gauge.record(summary.stored[key] ?? 0) }
        let (doubt, due) = ages.withLock { ages in
            (
                // It was sent before now, whatever the clock says.
                ages.doubt.age(of: summary.oldestDoubt, at: now, uptime, mayBeAhead: false),
                ages.due.age(of: summary.oldestDue, at: now, uptime, mayBeAhead: true)
            )
        }
        oldestDoubt.record(doubt / .seconds(1))
        oldestDue.record(due / .seconds(1))
        doubtAmount.record(Double(summary.doubtAmount.paise) / 100)
        repliesOwed.record(summary.unpublishedReplies)
        panPending.record(summary.stored[LedgerSummary.Key(.panStatus, in: .pending)] ?? 0)
    }
}
