private import Synchronization

/// Whether a connection may carry one recharge after the other. It is earned, and lost for good.
///
/// HTTP/1.1 ties an answer to its request by order alone, and BOS's answers name no reference. A server that answers twice would have its
/// second answer taken for the next recharge's. So each recharge has a connection of its own until so many successful ones were each
/// followed by silence; from the first byte that was not asked for, on any connection, each has a connection of its own again until the
/// process ends. What is still possible: a server that was silent that often begins to answer twice, and the second copy of a success
/// arrives after the next recharge has left on that connection and before its answer. Where acknowledgements (`ackno`) were seen to differ
/// from recharge to recharge, such a copy is known by its `ackno` and settles nothing. The copy of any other answer can never be taken:
/// the connection is closed behind an answer that is no success.
final class ConnectionTrust: Sendable {
    private struct State {
        var listeners = 0
        var silences = 0
        var marks: Set<[UInt8]> = []
        var isLost = false

        var isEarned: Bool { !isLost && silences >= ConnectionTrust.silencesNeeded }
    }

    /// Successful answers, each followed by silence, that earn it.
    static let silencesNeeded = 16

    private let state = Mutex(State())
    private let onLoss: @Sendable () -> Void

    /// - Parameter onLoss: called once, when an answer comes that was not asked for.
    init(onLoss: @escaping @Sendable () -> Void) { self.onLoss = onLoss }

    /// Whether a connection may be used again after a success.
    var isEarned: Bool { state.withLock { $0.isEarned } }

    /// Whether an `ackno` that comes twice on one connection is a copy, since they were all different while trust was earned.
    var hasUniqueMarks: Bool { state.withLock { $0.isEarned && $0.marks.count == Self.silencesNeeded } }

    /// Whether one more connection is to be listened to after its answer. If so, one of the two functions below has to follow.
    func mayListen() -> Bool {
        state.withLock { state in
            guard !state.isLost, state.silences + state.listeners < Self.silencesNeeded else { return false }
            state.listeners += 1
            return true
        }
    }

    /// Nothing followed an answer.
    func heardSilence(after mark: [UInt8]) {
        state.withLock { state in
            state.listeners -= 1
            state.silences += 1
            state.marks.insert(mark)
        }
    }

    /// Nothing can be said of what would have followed an answer.
    func stoppedListening() { state.withLock { $0.listeners -= 1 } }

    /// Something came that was not asked for.
    func lose() {
        let isNew = state.withLock { state in
            defer { state.isLost = true }
            return !state.isLost
        }
        if isNew { onLoss() }
    }
}
