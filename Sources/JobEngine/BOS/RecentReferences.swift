import Synchronization

/// The references of the recharges that this process sent last. If an answer names another one of them, it is the answer to that recharge.
final class RecentReferences: Sendable {
    private struct State {
        var references: Set<String> = []
        /// The same references in a ring buffer, in the order in which they were sent.
        var order: [String] = []
        var next = 0
    }

    private let state = Mutex(State())

    /// Many times the number of concurrent calls.
    private static let capacity = 4096

    func insert(_ reference: String) {
        state.withLock { state in
            guard state.references.insert(reference).inserted else { return }
            guard state.order.count == Self.capacity else { return state.order.append(reference) }
            state.references.remove(state.order[state.next])
            state.order[state.next] = reference
            state.next = (state.next + 1) % Self.capacity
        }
    }

    func contains(_ reference: String) -> Bool { state.withLock { $0.references.contains(reference) } }
}
