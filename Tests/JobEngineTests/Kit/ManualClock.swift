import JobEngine
import JobModel
import Synchronization

/// A clock that stands still. A sleep advances it and returns at once.
final class ManualClock: EngineClock {
    static let start = Timestamp(milliseconds: 1_795_000_000_000)

    private let elapsed = Mutex(Duration.zero)
    private let setBack = Mutex(Duration.zero)
    private let isHolding = Mutex(false)

    func now() -> Timestamp { Self.start + uptime() + (.zero - setBack.withLock { $0 }) }
    /// Sets the wall clock back. The monotonic clocks go on.
    func setCivil(back: Duration) { setBack.withLock { $0 += back } }
    func uptime() -> Duration { elapsed.withLock { $0 } }
    func monotonic() -> BootTime {
        BootTime(boot: "test", milliseconds: Int64(uptime() / .milliseconds(1)))
    }
    func jitter() -> Double { 0.5 }
    func advance(by duration: Duration) { elapsed.withLock { $0 += duration } }

    /// From now on a sleep ends only when its task is cancelled.
    func holdSleeps() { isHolding.withLock { $0 = true } }

    func sleep(for duration: Duration) async {
        while isHolding.withLock({ $0 }), !Task.isCancelled { await Task.yield() }
        guard !Task.isCancelled else { return }
        advance(by: duration)
        await Task.yield()
    }
}
