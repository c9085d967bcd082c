/// Decides after each failed attempt or lost session which URL is tried next, and how long the connection waits before.
struct ReconnectPolicy {
    private let urls: Int
    private let stableAfter: Duration
    /// The number of attempts in a row that led to no session.
    private(set) var failures = 0
    /// The number of lost sessions since the last stable one, that one included.
    private var lossesInARow = 0

    /// - Parameters:
    ///   - urls: the number of URLs.
    ///   - stableAfter: how long a session must live to count as a success. A session that dies right after setup was probably killed
    ///     by its own first action, so it counts as a failure.
    init(urls: Int, stableAfter: Duration) {
        self.urls = urls
        self.stableAfter = stableAfter
    }

    /// The index of the URL to try next. After every session the first URL is tried again.
    var nextURL: Int { failures % urls }

    /// The number of failures that determines the pause before the next attempt, from 1. `nil`: no pause, because every URL is tried
    /// before the first one.
    var failuresBeforePause: Int? {
        if failures == 0 { return max(1, lossesInARow) }
        return failures % urls == 0 ? failures / urls : nil
    }

    mutating func record(wasReady: Bool, after lifetime: Duration) {
        /// Records the end of an attempt or session.
        ///
        /// - Parameter lifetime: how long the session lived. It does not matter for a session that was never ready.
        guard wasReady else { return failures += 1 }
        failures = 0
        lossesInARow = lifetime < stableAfter ? lossesInARow + 1 : 1
    }
}

/// The pauses between attempts: they grow with each failure, with full jitter, so that many programs do not reconnect at once.
package struct Backoff: Sendable {
    /// The upper bound of the first pause.
    package var initial: Duration = .milliseconds(250)
    /// The upper bound of every later pause.
    package var maximum: Duration = .seconds(15)

    package init() {}

    /// Returns the pause after this many failures in a row: a random value between zero and a bound that doubles with each failure.
    func pause(afterFailures failures: Int, using generator: inout any RandomNumberGenerator) -> Duration {
        let doublings = min(max(failures - 1, 0), 20)
        let bound = min(initial * (1 << doublings), maximum)
        return bound * Double.random(in: 0..<1, using: &generator)
    }
}
