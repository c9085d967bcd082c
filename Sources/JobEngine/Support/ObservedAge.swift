package import JobModel

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
