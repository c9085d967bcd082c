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
                    return (LedgerSummary.Key(kind, state), Gauge(label: "bos_jobs_stored", dimensions: labels))
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
        panPending.record(summary.stored[LedgerSummary.Key(.panStatus, .pending)] ?? 0)
    }
}

/// How long ago a stored moment was, where the civil clock may have been set back since: never less than what has been observed.
package struct ObservedAge: Sendable {
    /// The moment that was seen last, since when in uptime, and how far ahead it was then.
    private var seen: (moment: Timestamp, since: Duration, ahead: Duration)?

    package init() {}

    /// - Parameter mayBeAhead: a moment that has not come yet has no age until it should have come.
    package mutating func age(of moment: Timestamp?, at now: Timestamp, _ uptime: Duration, mayBeAhead: Bool) -> Duration {
        guard let moment else {
            seen = nil
            return .zero
        }
        if seen?.moment != moment { seen = (moment, uptime, mayBeAhead ? max(.zero, moment - now) : .zero) }
        let observed = seen.map { uptime - $0.since - $0.ahead } ?? .zero
        return max(.zero, now - moment, observed)
    }
}
