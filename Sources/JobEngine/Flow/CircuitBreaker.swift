/// Stops sending money to a family of BOS endpoints that fails (Nygard, "Release It!", 2007: circuit breaker), so that a BOS in
/// trouble is left alone and jobs wait in their queue instead of ending in doubt one by one.
///
/// Closed: calls go out and their results are counted. Open: none does. Half-open: one probe, which moves no money, is out.
package struct CircuitBreaker: Sendable {
    /// The raw value is what the metric shows.
    package enum State: Int, Sendable {
        case closed = 0
        case halfOpen = 1
        case open = 2
    }

    /// What a finished call says about BOS's health, not about its job: a refusal for good reasons is a success.
    package enum CallResult: Sendable {
        case success
        /// Connection refused or reset, time-out, 5xx, or an answer that cannot be read.
        case failure
    }

    package struct Configuration: Sendable {
        /// How long a result counts. It is forgotten by the tenth, so up to a tenth of the window earlier.
        package var window = Duration.seconds(10)
        /// Calls finished within the window below which nothing is concluded.
        package var minimumCalls = 10
        /// From 0 to 1: the share of failures within the window that opens the breaker.
        package var failureShare = 0.5
        /// From opening to the first probe, when all was well before; doubled by each failed probe and each relapse.
        package var firstInterval = Duration.seconds(5)
        /// Where the doubling ends.
        package var maximumInterval = Duration.seconds(60)
        /// How long it must have been closed before opening again is no relapse: a BOS that answers probes but fails at money
        /// would otherwise be tried with money every `firstInterval`.
        package var recovery = Duration.seconds(60)

        package init() {}
    }

    /// What finished in one tenth of the window; used again for the tenth that comes one window later.
    private struct Bucket {
        var tenth = Int.min
        var calls = 0
        var failures = 0
    }

    package private(set) var state = State.closed
    private let configuration: Configuration
    private var buckets = Self.noCalls
    private var interval = Duration.zero
    private var probeFrom = Duration.zero
    /// When a probe last closed it; `nil` while none had to.
    private var closedSince: Duration?

    package init(_ configuration: Configuration = Configuration()) {
        precondition(configuration.window > .zero, "a window takes time")
        self.configuration = configuration
    }

    /// Counts a finished call. What was sent before the last opening tells nothing new, whenever it ends, and is not counted.
    /// - Parameter start: when the call was sent; without it a time-out from before could reopen a breaker that has closed since.
    package mutating func record(_ result: CallResult, startedAt start: Duration? = nil, at now: Duration) {
        guard state == .closed, start ?? now >= closedSince ?? .zero else { return }
        let tenth = Int(now / (configuration.window / Self.noCalls.count))
        let slot = tenth % buckets.count
        if buckets[slot].tenth < tenth { buckets[slot] = Bucket(tenth: tenth) }
        buckets[slot].calls += 1
        buckets[slot].failures += result == .failure ? 1 : 0
        var (calls, failures) = (0, 0)
        for bucket in buckets where bucket.tenth > tenth - buckets.count {
            calls += bucket.calls
            failures += bucket.failures
        }
        guard calls >= configuration.minimumCalls, Double(failures) >= Double(calls) * configuration.failureShare else { return }
        let isRelapse = closedSince.map { now - $0 < configuration.recovery } ?? false
        open(for: isRelapse ? interval * 2 : configuration.firstInterval, at: now)
    }

    /// Whether to probe now. Whoever is told so must report to `probed`, a probe given up as failed: no other starts before.
    package mutating func shouldProbe(at now: Duration) -> Bool {
        guard state == .open, now >= probeFrom else { return false }
        state = .halfOpen
        return true
    }

    /// Closes the breaker, with nothing held against BOS, or opens it for twice as long as before.
    package mutating func probed(_ succeeded: Bool, at now: Duration) {
        guard state == .halfOpen else { return }
        guard succeeded else { return open(for: interval * 2, at: now) }
        (state, closedSince, buckets) = (.closed, now, Self.noCalls)
    }

    private mutating func open(for time: Duration, at now: Duration) {
        interval = min(time, configuration.maximumInterval)
        (state, probeFrom) = (.open, now + interval)
    }

    private static let noCalls = [Bucket](repeating: Bucket(), count: 10)
}
