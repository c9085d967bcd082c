private import Synchronization

/// What waits for the next transaction, in the order in which it came.
final class WaitingErrands: Sendable {
    private struct State {
        var errands: [Errand] = []
        var isClosed = false
    }

    private let state = Mutex(State())

    /// - Returns: `false` if the ledger was closed before.
    func append(_ errand: Errand) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            state.errands.append(errand)
            return true
        }
    }

    /// The next group, or `nil` if nothing waits.
    func next(_ maximum: Int) -> [Errand]? {
        state.withLock { state in
            guard !state.errands.isEmpty else { return nil }
            let group = Array(state.errands.prefix(maximum))
            if group.count == state.errands.count {
                state.errands.removeAll(keepingCapacity: true)
            } else {
                state.errands.removeFirst(group.count)
            }
            return group
        }
    }

    /// Takes nothing more. Returns whether this was the call that closed it.
    func close() -> Bool {
        state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
    }
}
