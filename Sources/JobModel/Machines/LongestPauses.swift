/// How far ahead a job that waits may be due. One that is due later was stored by a clock that has been set back since.
package struct LongestPauses: Sendable, Equatable {
    /// Of a PAN application that BOS has not decided.
    package var pending: Duration
    /// Of every other job. What is held back for a person waits for its deadline, however far that is.
    package var other: Duration

    package init(pending: Duration, other: Duration) {
        self.pending = pending
        self.other = other
    }

    /// The longest time for which BOS's `Retry-After` is believed.
    package static let retryAfter = Duration.seconds(3_600)

    /// A job in this state may be due so far ahead; `nil` if there is no limit.
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
                send.maximum, enquiry.maximum, settle.window, settle.refusalWindow, refusedCredentials.maximum, postponed.maximum,
                LongestPauses.retryAfter) + .seconds(60)
        // The interval spreads by a tenth.
        return LongestPauses(pending: max(other, pan.maximumInterval * 1.1 + .seconds(60)), other: other)
    }
}
