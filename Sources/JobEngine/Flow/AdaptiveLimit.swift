/// How many calls may be in flight at once, found out by trying: additive increase, multiplicative decrease, as TCP shares a link
/// (Chiu and Jain, 1989; Jacobson, 1988) and as Netflix' concurrency-limits (`AIMDLimit`) apply it to calls.
package struct AdaptiveLimit: Sendable {
    /// What a finished call says about BOS's load.
    package enum Signal: Sendable {
        /// Any answer that BOS was able to give.
        case success
        /// 429, 5xx or time-out.
        case overload
    }

    package struct Configuration: Sendable {
        /// Calls that may always be in flight, so that there is something to learn from. Not above `maximum`.
        package var minimum = 4
        /// Calls that may be in flight at the most, and at first.
        package var maximum: Int
        /// What a decrease multiplies the limit with, from 0 to 1. TCP halves (CUBIC takes 0.7, RFC 9438), Netflix takes 0.9.
        package var decrease = 0.7
        /// A call that takes longer waits in a queue somewhere, and counts as overload although it succeeded.
        package var latencyTarget = Duration.seconds(10)
        /// The least time between decreases: calls that fail together are one sign, not many (TCP: one decrease a round trip).
        package var cooldown = Duration.seconds(1)

        package init(maximum: Int) { self.maximum = maximum }
    }

    /// How many calls may be in flight, within `minimum...maximum`.
    package private(set) var limit: Int
    private let configuration: Configuration
    private let bounds: ClosedRange<Int>
    /// Successes since the limit last changed.
    private var successes = 0
    private var lastDecrease: Duration?

    package init(_ configuration: Configuration) {
        let maximum = max(configuration.maximum, 1)
        bounds = max(min(configuration.minimum, maximum), 1)...maximum
        limit = maximum
        self.configuration = configuration
    }

    /// Learns from a finished call.
    /// - Parameters:
    ///   - latency: from sending to the end.
    ///   - inFlight: how many calls were in flight when it ended, itself included.
    package mutating func record(_ signal: Signal, latency: Duration, inFlight: Int, at now: Duration) {
        if signal == .overload || latency > configuration.latencyTarget {
            decrease(at: now)
        } else if inFlight >= limit - limit / 2 {
            // A limit that is not in use is not tested either, and must not grow on the strength of calls that never met it.
            increase()
        }
    }

    /// By one when as many calls as may be in flight have succeeded: by one a round trip.
    private mutating func increase() {
        successes += 1
        guard successes >= limit else { return }
        change(to: limit + 1)
    }

    private mutating func decrease(at now: Duration) {
        if let lastDecrease, now - lastDecrease < configuration.cooldown { return }
        lastDecrease = now
        change(to: Int(Double(limit) * configuration.decrease))
    }

    private mutating func change(to wanted: Int) {
        limit = min(max(wanted, bounds.lowerBound), bounds.upperBound)
        successes = 0
    }
}
