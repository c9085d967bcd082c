/// How many calls may be in flight at once. The limit is found by trying: additive increase and multiplicative decrease, as TCP shares a
/// link (Chiu and Jain, 1989; Jacobson, 1988) and as Netflix's concurrency-limits (`AIMDLimit`) applies it to calls.
package struct AdaptiveLimit: Sendable {
    /// What a finished call says about BOS's load.
    package enum LoadSignal: Sendable {
        /// BOS was able to answer, whatever the answer.
        case success
        /// 429, 5xx or time-out.
        case overload
    }

    package struct Configuration: Sendable {
        /// The limit never falls below this, so that there are always calls to learn from. Not above `maximum`.
        package var minimum = 4
        /// The highest limit, and the limit at the start.
        package var maximum: Int
        /// A decrease multiplies the limit by this, from 0 to 1. TCP halves (CUBIC takes 0.7, RFC 9438), Netflix takes 0.9.
        package var decrease = 0.7
        /// A success that takes longer than this counts as overload: the call has waited in a queue somewhere.
        package var latencyTarget = Duration.seconds(10)
        /// The shortest time between two decreases. Calls that fail together are one sign, not many (TCP: one decrease a round trip).
        package var cooldown = Duration.seconds(1)

        /// - Parameter maximum: the highest limit. Less than 1 counts as 1.
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
    ///   - latency: from sending the call to its end.
    ///   - inFlight: how many jobs held a slot of the lane when the call ended. A job makes one call at a time. An enquiry by a job of the
    ///     other lane is not counted: that can only slow the growth of the limit.
    package mutating func record(_ load: LoadSignal, latency: Duration, inFlight: Int, at now: Duration) {
        if load == .overload || latency > configuration.latencyTarget {
            decrease(at: now)
        } else if inFlight >= limit - limit / 2 {
            // A limit that is less than half used is not tested, so successes say nothing about a higher one.
            increase()
        }
    }

    /// Adds one once as many calls have succeeded as may be in flight: one a round trip.
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
