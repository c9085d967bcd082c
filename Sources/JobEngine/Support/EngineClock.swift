import Foundation
package import JobModel
private import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Time and random numbers for the engine. Tests and simulations bring their own.
package protocol EngineClock: Sendable {
    /// Wall-clock time. It may jump, forwards and backwards.
    func now() -> Timestamp
    /// Monotonic time since an unspecified moment in the past. It may stand still while the machine sleeps.
    func uptime() -> Duration
    /// Monotonic time since this machine was started. It goes on while the machine sleeps.
    func monotonic() -> BootTime
    /// Returns after that time, or earlier if the task is cancelled.
    func sleep(for duration: Duration) async
    /// A random number from 0 up to, not including, 1.
    func jitter() -> Double
}

extension EngineClock {
    package var moment: ClockReading { ClockReading(wallClock: now(), monotonic: monotonic()) }
}

/// The machine's own clocks.
package final class SystemClock: EngineClock {
    /// Jitter only, no security: a system call for each number would dominate the cost of a step.
    private let randomState = Atomic(UInt64.random(in: .min ... .max))

    private let boot: String
    private let bootedAt: Int64

    package init() {
        // Linux makes a new boot id at each start. Where there is none, this process counts as a machine of its own that started now.
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

    package func monotonic() -> BootTime {
        // CLOCK_BOOTTIME goes on while the machine sleeps, CLOCK_MONOTONIC does not.
        BootTime(boot: boot, milliseconds: Self.milliseconds(CLOCK_BOOTTIME) - bootedAt)
    }

    package func sleep(for duration: Duration) async {
        // Cancellation is the only error. The caller checks for it.
        try? await Task.sleep(for: duration)
    }

    /// Each number is a hash of a counter, so that threads need no lock.
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
