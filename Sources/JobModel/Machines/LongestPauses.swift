/// How far ahead the due time of a waiting job may be. A later due time was stored by a clock that was set back afterwards.
package struct LongestPauses: Sendable, Equatable {
    /// For a PAN application that BOS has not decided.
    package var pending: Duration
    /// For every other job except a held one. A held job waits for its deadline, however far ahead that is.
    package var other: Duration

    package init(pending: Duration, other: Duration) {
        self.pending = pending
        self.other = other
    }

    /// The longest `Retry-After` of BOS that the worker respects.
    package static let retryAfter = Duration.seconds(3_600)

    /// The limit for a job in this state; `nil` if there is none.
    package func limit(_ state: JobState) -> Duration? {
        switch state {
        case .held: nil
        case .pending: pending
        case .accepted, .sending, .inDoubt, .parked, .succeeded, .failed, .refused, .notFound, .expired, .answeredPending: other
        }
    }
}

extension RetryPolicy {
    package var longestPauses: LongestPauses {
        let other =
            max(
                send.maximum, enquiry.maximum, notFound.window, notFound.refusalWindow, refusedCredentials.maximum, postponed.maximum,
                LongestPauses.retryAfter) + .seconds(60)
        // Jitter makes the interval up to a tenth longer.
        return LongestPauses(pending: max(other, pan.maximumInterval * 1.1 + .seconds(60)), other: other)
    }
}
