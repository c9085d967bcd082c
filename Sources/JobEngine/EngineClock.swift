package import JobModel

#if canImport(Glibc)
    import Glibc
#endif

/// Time and chance as the engine sees them, so that tests and simulations can bring their own.
package protocol EngineClock: Sendable {
    /// Civil time; it may jump.
    func now() -> Timestamp
    /// Time that only ever goes on, since some moment in the past.
    func uptime() -> Duration
    /// Returns after that time, or earlier if the task is cancelled.
    func sleep(for duration: Duration) async
    /// A random number from 0 up to, not including, 1.
    func jitter() -> Double
}

/// The machine's own clocks.
package struct SystemClock: EngineClock {
    package init() {}

    package func now() -> Timestamp {
        let time = Self.read(CLOCK_REALTIME)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    package func uptime() -> Duration {
        let time = Self.read(CLOCK_MONOTONIC)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    package func sleep(for duration: Duration) async {
        // Cancellation is the only error there is, and whoever cancels goes on to look why.
        try? await Task.sleep(for: duration)
    }

    package func jitter() -> Double { Double.random(in: 0..<1) }

    private static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        clock_gettime(clock, &time)
        return time
    }
}
