/// What went wrong since the last session that lasted: which URL is tried next, and how long after.
struct ReconnectPolicy {
    private let urls: Int
    private let stableAfter: Duration
    /// Attempts in a row that led to no session.
    private(set) var failures = 0
    private var lossesInARow = 0

    /// - Parameter stableAfter: how long a session must have lived to count as a success. One that is lost as soon as it is ready may be lost by what it
    ///   does first, and would be lost so time and again.
    init(urls: Int, stableAfter: Duration) {
        self.urls = urls
        self.stableAfter = stableAfter
    }

    /// The number of the URL to be tried next: the first one again after every session.
    var nextURL: Int { failures % urls }

    /// By how many failures the pause before the next attempt is measured, from 1; `nil` if there is none, for every URL is tried before the first pause.
    var failuresBeforePause: Int? {
        if failures == 0 { return max(1, lossesInARow) }
        return failures % urls == 0 ? failures / urls : nil
    }

    mutating func record(wasReady: Bool, after lifetime: Duration) {
        guard wasReady else { return failures += 1 }
        failures = 0
        lossesInARow = lifetime < stableAfter ? lossesInARow + 1 : 1
    }
}

/// Pauses that grow from one failure to the next, with full jitter, so that a fleet does not come back in step.
package struct Backoff: Sendable {
    /// The bound of the first pause.
    package var initial: Duration = .milliseconds(250)
    /// The bound of every later pause.
    package var maximum: Duration = .seconds(15)

    package init() {}

    /// The pause after `failures` failures in a row: anywhere between nothing and a bound that doubles each time.
    func pause(afterFailures failures: Int, using generator: inout any RandomNumberGenerator) -> Duration {
        let doublings = min(max(failures - 1, 0), 20)
        let bound = min(initial * (1 << doublings), maximum)
        return bound * Double.random(in: 0..<1, using: &generator)
    }
}
