/// Stops calls to a family of BOS endpoints that fails (Nygard, "Release It!", 2007: circuit breaker). A failing BOS is not called, and
/// jobs wait in their queue instead of ending in doubt one by one.
///
/// Closed: calls are made and their results are counted. Open: no call is made. Half-open: one probe is under way, which moves no money.
package struct CircuitBreaker: Sendable {
    /// The raw value is what the metric shows.
    package enum State: Int, Sendable {
        case closed = 0
        case halfOpen = 1
        case open = 2
    }

    /// What a finished call says about BOS's health, not about its job: a refusal with a good reason is a success.
    package enum CallResult: Sendable {
        case success
        /// Connection refused or reset, time-out, 5xx, or an answer that cannot be read.
        case failure
    }

    package struct Configuration: Sendable {
        /// How long a result counts. Results are dropped a tenth of the window at a time, so up to a tenth earlier.
        package var window = Duration.seconds(10)
        /// The breaker stays closed while fewer calls have finished within the window.
        package var minimumCalls = 10
        /// The share of failures within the window that opens the breaker, from 0 to 1.
        package var failureShare = 0.5
        /// From opening to the first probe. Each failed probe and each relapse doubles it.
        package var firstInterval = Duration.seconds(5)
        /// The longest interval that the doubling reaches.
        package var maximumInterval = Duration.seconds(60)
        /// A breaker that opens again sooner than this after closing has relapsed. Without that rule a BOS that answers probes but fails at
        /// recharges would get recharges every `firstInterval`.
        package var recovery = Duration.seconds(60)

        package init() {}
    }

    /// The calls that finished in one tenth of the window. The bucket is reused for the tenth that comes one window later.
    private struct Bucket {
        var tenth = Int.min
        var calls = 0
        var failures = 0
    }

    package private(set) var state = State.closed
    private let configuration: Configuration
    private var buckets = Self.noCalls
    private var interval = Duration.zero
    /// When the next probe of an open breaker is due.
    private(set) var probeFrom = Duration.zero
    /// When a probe last closed the breaker; `nil` if no probe has.
    private var closedSince: Duration?

    /// - Precondition: the window is longer than zero.
    package init(_ configuration: Configuration = Configuration()) {
        precondition(configuration.window > .zero, "the window must be longer than zero")
        self.configuration = configuration
    }

    /// Counts a finished call. Not counted is a call that ends while the breaker is not closed, or that was sent before it last closed:
    /// such a call says nothing new.
    /// - Parameter start: when the call was sent. Without it an old time-out could reopen a breaker that has closed since.
    package mutating func record(_ result: CallResult, startedAt start: Duration? = nil, at now: Duration) {
        guard state == .closed, start ?? now >= closedSince ?? .zero else { return }
        let tenth = Int(now / (configuration.window / Self.noCalls.count))
        let index = tenth % buckets.count
        if buckets[index].tenth < tenth { buckets[index] = Bucket(tenth: tenth) }
        buckets[index].calls += 1
        buckets[index].failures += result == .failure ? 1 : 0
        var (calls, failures) = (0, 0)
        for bucket in buckets where bucket.tenth > tenth - buckets.count {
            calls += bucket.calls
            failures += bucket.failures
        }
        guard calls >= configuration.minimumCalls, Double(failures) >= Double(calls) * configuration.failureShare else { return }
        let isRelapse = closedSince.map { now - $0 < configuration.recovery } ?? false
        open(for: isRelapse ? interval * 2 : configuration.firstInterval, at: now)
    }

    /// Begins a probe if one is due.
    /// - Returns: whether the caller must probe now and report to ``endProbe(succeeded:at:)``. A probe that was given up counts as failed.
    ///   No other probe begins before the report.
    package mutating func beginProbe(at now: Duration) -> Bool {
        guard state == .open, now >= probeFrom else { return false }
        state = .halfOpen
        return true
    }

    /// Closes the breaker and forgets all earlier results, or opens it for twice as long as before.
    package mutating func endProbe(succeeded: Bool, at now: Duration) {
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
