private import Synchronization

/// The calls to BOS that have not ended yet. The end of the process waits for them.
final class CallsUnderWay: Sendable {
    private struct State {
        /// When each call was sent, in the clock's uptime. The lane's slots limit how many there are.
        var starts: [Int: Duration] = [:]
        var last = 0
    }

    private let calls = Mutex(State())

    /// - Returns: the call's name, for ``end(_:)``.
    func begin(at uptime: Duration) -> Int {
        calls.withLock { state in
            state.last += 1
            state.starts[state.last] = uptime
            return state.last
        }
    }

    func end(_ call: Int) { calls.withLock { _ = $0.starts.removeValue(forKey: call) } }

    /// How many calls are under way, and for how long the longest of them.
    func state(at uptime: Duration) -> (count: Int, longest: Duration) {
        calls.withLock { state in (state.starts.count, state.starts.values.min().map { uptime - $0 } ?? .zero) }
    }
}
