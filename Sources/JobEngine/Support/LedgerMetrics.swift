package import JobModel
package import Ledger
import Metrics
private import Synchronization

/// The metrics of what the ledger holds. Each is made once. Source of names and labels: operating.md#metrics.
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

    /// - Parameters:
    ///   - now: wall-clock time.
    ///   - uptime: of the monotonic clock, which never steps. Ages grow by it while the wall clock is behind.
    package func record(_ summary: LedgerSummary, at now: Timestamp, uptime: Duration) {
        for (key, gauge) in stored { gauge.record(summary.stored[key] ?? 0) }
        let (doubt, due) = ages.withLock { ages in
            (
                // A doubt began in the past, whatever the wall clock says.
                ages.doubt.age(of: summary.oldestDoubt, at: now, uptime: uptime, mayBeAhead: false),
                ages.due.age(of: summary.oldestDue, at: now, uptime: uptime, mayBeAhead: true)
            )
        }
        oldestDoubt.record(doubt / .seconds(1))
        oldestDue.record(due / .seconds(1))
        doubtAmount.record(Double(summary.doubtAmount.paise) / 100)
        repliesOwed.record(summary.unpublishedReplies)
        panPending.record(summary.stored[LedgerSummary.Key(.panStatus, in: .pending)] ?? 0)
    }
}

/// The age of a stored moment. Where the wall clock was set back since, the age is never less than what this process has observed.
package struct ObservedAge: Sendable {
    /// The moment that was seen last, when in uptime it was first seen, and how far in the future it was then.
    private var seen: (moment: Timestamp, since: Duration, ahead: Duration)?

    package init() {}

    /// - Parameters:
    ///   - moment: `nil` if there is none now; its age is zero.
    ///   - now: wall-clock time.
    ///   - uptime: of the monotonic clock.
    ///   - mayBeAhead: the moment may be in the future. Its age is zero until the time has come, by the clock that gets there first.
    package mutating func age(of moment: Timestamp?, at now: Timestamp, uptime: Duration, mayBeAhead: Bool) -> Duration {
        guard let moment else {
            seen = nil
            return .zero
        }
        if seen?.moment != moment { seen = (moment, uptime, mayBeAhead ? max(.zero, moment - now) : .zero) }
        let observed = seen.map { uptime - $0.since - $0.ahead } ?? .zero
        return max(.zero, now - moment, observed)
    }
}
