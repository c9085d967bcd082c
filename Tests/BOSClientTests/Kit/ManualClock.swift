import Synchronization

@testable import BOSClient

/// A clock that moves only when a test moves it.
final class ManualClock: Sendable {
    private struct State {
        var now = 1_000_000.0
        var monotonic = 0.0
        var sleepers: [(wake: Double, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())
    private let sleeps = AsyncStream.makeStream(of: Double.self)

    var now: Double { state.withLock(\.now) }

    var clock: BOSClock {
        BOSClock(
            now: { self.now }, monotonic: { self.state.withLock(\.monotonic) }, sleep: { await self.sleep($0 / .seconds(1)) },
            random: { 0.5 })
    }

    /// Moves the wall clock alone, as a person or a time server does.
    func set(by seconds: Double) { state.withLock { $0.now += seconds } }

    /// Waits for the next call of `sleep` and returns its length in seconds.
    func nextSleep() async -> Double? { await sleeps.stream.first { _ in true } }

    /// Moves both clocks, and wakes each sleeper whose time has come.
    func advance(by seconds: Double) {
        let woken = state.withLock { state in
            state.now += seconds
            state.monotonic += seconds
            let now = state.monotonic
            let woken = state.sleepers.filter { $0.wake <= now }
            state.sleepers.removeAll { $0.wake <= now }
            return woken
        }
        for sleeper in woken { sleeper.continuation.resume() }
    }

    private func sleep(_ seconds: Double) async {
        await withCheckedContinuation { continuation in
            state.withLock { $0.sleepers.append((wake: $0.monotonic + seconds, continuation: continuation)) }
            sleeps.continuation.yield(seconds)
        }
    }
}
