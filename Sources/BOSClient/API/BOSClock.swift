internal import Foundation

/// Time and randomness for the token's life, so that tests can decide both.
package struct BOSClock: Sendable {
    /// The wall clock in Unix seconds, in which expiries are given.
    package var now: @Sendable () -> Double
    /// Seconds of a clock that nothing sets: how long a token lives and a pause lasts is measured by it.
    package var steady: @Sendable () -> Double
    /// Waits; throws when the task is cancelled.
    package var sleep: @Sendable (Duration) async throws -> Void
    /// A random number from 0 up to but not including 1.
    package var random: @Sendable () -> Double

    package init(
        now: @escaping @Sendable () -> Double, steady: @escaping @Sendable () -> Double,
        sleep: @escaping @Sendable (Duration) async throws -> Void, random: @escaping @Sendable () -> Double
    ) {
        self.now = now
        self.steady = steady
        self.sleep = sleep
        self.random = random
    }

    /// The system's clock and random numbers.
    package static let system = {
        let start = ContinuousClock.now
        return BOSClock(
            now: { Date().timeIntervalSince1970 }, steady: { (ContinuousClock.now - start) / .seconds(1) },
            // The one real clock of this target: tests give another one.
            sleep: { try await Task.sleep(for: $0) }, random: { Double.random(in: 0..<1) })
    }()
}
