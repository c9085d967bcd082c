internal import Foundation

/// Time and random numbers for the life of the token. Tests bring their own.
package struct BOSClock: Sendable {
    /// The wall clock, in Unix seconds. Expiries are given in it.
    package var now: @Sendable () -> Double
    /// The monotonic clock, in seconds. The life of a token and the length of a pause are measured by it.
    package var monotonic: @Sendable () -> Double
    /// Waits. Throws if the task is cancelled.
    package var sleep: @Sendable (Duration) async throws -> Void
    /// A random number from 0 up to but not including 1.
    package var random: @Sendable () -> Double

    package init(
        now: @escaping @Sendable () -> Double, monotonic: @escaping @Sendable () -> Double,
        sleep: @escaping @Sendable (Duration) async throws -> Void, random: @escaping @Sendable () -> Double
    ) {
        self.now = now
        self.monotonic = monotonic
        self.sleep = sleep
        self.random = random
    }

    /// The system's clock and random numbers.
    package static let system = {
        let start = ContinuousClock.now
        return BOSClock(
            now: { Date().timeIntervalSince1970 }, monotonic: { (ContinuousClock.now - start) / .seconds(1) },
            // This is the only real clock in this target. Tests pass another one.
            sleep: { try await Task.sleep(for: $0) }, random: { Double.random(in: 0..<1) })
    }()
}
