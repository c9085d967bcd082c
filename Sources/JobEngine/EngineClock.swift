import Foundation
package import JobModel
private import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Time and chance as the engine sees them, so that tests and simulations can bring their own.
package protocol EngineClock: Sendable {
    /// Civil time; it may jump.
    func now() -> Timestamp
    /// Time that only ever goes on, since some moment in the past.
    func uptime() -> Duration
    /// Time since this machine was started; nothing sets it.
    func steady() -> SteadyTime
    /// Returns after that time, or earlier if the task is cancelled.
    func sleep(for duration: Duration) async
    /// A random number from 0 up to, not including, 1.
    func jitter() -> Double
}

extension EngineClock {
    package var moment: Moment { Moment(civil: now(), steady: steady()) }
}

/// The machine's own clocks.
package final class SystemClock: EngineClock {
    /// Spreads pauses, guards nothing: a kernel call for each number would be dearer than all else that a step decides.
    private let randomState = Atomic(UInt64.random(in: .min ... .max))

    private let boot: String

    package init() {
        // Linux makes one at each start. Without it moments of this process are compared with no others.
        let file = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        boot = file?.split(separator: "\n").first.map(String.init) ?? "process \(UInt64.random(in: .min ... .max))"
    }

    package func now() -> Timestamp {
        let time = Self.read(CLOCK_REALTIME)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    package func uptime() -> Duration {
        let time = Self.read(CLOCK_MONOTONIC)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    package func steady() -> SteadyTime {
        // Goes on while the machine sleeps.
        let time = Self.read(CLOCK_BOOTTIME)
        return SteadyTime(boot: boot, milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    package func sleep(for duration: Duration) async {
        // Cancellation is the only error there is, and whoever cancels goes on to look why.
        try? await Task.sleep(for: duration)
    }

    /// Each number is a hash of a counter, so threads need no lock.
    package func jitter() -> Double {
        let counter = randomState.wrappingAdd(SeededGenerator.increment, ordering: .relaxed).newValue
        return Double(SeededGenerator.number(at: counter) >> 11) * 0x1p-53
    }

    private static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        clock_gettime(clock, &time)
        return time
    }
}
