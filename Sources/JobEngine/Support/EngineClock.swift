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
    private let bootedAt: Int64

    package init() {
        // Linux makes one at each start. Without it this process counts as a machine of its own, started now.
        let file = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        let name = file?.split(separator: "\n").first.map(String.init)
        boot = name ?? "process \(UInt64.random(in: .min ... .max))"
        bootedAt = name == nil ? Self.milliseconds(CLOCK_BOOTTIME) : 0
    }

    package func now() -> Timestamp {
        Timestamp(milliseconds: Self.milliseconds(CLOCK_REALTIME))
    }

    package func uptime() -> Duration {
        let time = Self.read(CLOCK_MONOTONIC)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    package func steady() -> SteadyTime {
        // Goes on while the machine sleeps.
        SteadyTime(boot: boot, milliseconds: Self.milliseconds(CLOCK_BOOTTIME) - bootedAt)
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

    private static func milliseconds(_ clock: clockid_t) -> Int64 {
        let time = read(clock)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }

    private static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        clock_gettime(clock, &time)
        return time
    }
}
