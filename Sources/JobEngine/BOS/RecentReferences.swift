import Synchronization

/// The references of the recharges that this process sent last. An answer to one of them that names another one is not its answer.
final class RecentReferences: Sendable {
    private struct State {
        var references: Set<String> = []
        /// The same in the order in which they were sent, used in a circle.
        var order: [String] = []
        var next = 0
    }

    private let state = Mutex(State())

    /// Many times what is in flight at once.
    private static let capacity = 4096

    func note(_ reference: String) {
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
