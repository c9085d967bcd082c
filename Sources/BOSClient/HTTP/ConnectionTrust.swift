private import Synchronization

/// Decides whether a connection may carry several recharges, one after the other. The server earns that trust, and can lose it for good.
///
/// HTTP/1.1 matches answers to requests by their order alone, and BOS's answers do not name a reference. If a server answered twice, its second
/// answer would count as the answer to the next recharge. So each recharge has a connection of its own until ``silencesNeeded`` successful
/// answers were each followed by silence. The first unexpected byte on any connection ends the trust until the process ends.
///
/// One case remains: a trusted server begins to answer twice, and the copy of a success arrives after the next recharge has left on the same
/// connection and before its answer. If the acknowledgements (`ackno`) differed from recharge to recharge while trust was earned, the worker
/// recognises such a copy by its `ackno` and ignores it. A copy of any other answer cannot do harm, because the worker closes the connection
/// after each answer that is not a success.
final class ConnectionTrust: Sendable {
    private struct State {
        var listeners = 0
        var silences = 0
        var marks: Set<[UInt8]> = []
        var isLost = false

        var isEarned: Bool { !isLost && silences >= ConnectionTrust.silencesNeeded }
    }

    /// How many successful answers, each followed by silence, earn the trust.
    static let silencesNeeded = 16

    private let state = Mutex(State())
    private let onLoss: @Sendable () -> Void

    /// - Parameter onLoss: called once, when the first unexpected bytes arrive.
    init(onLoss: @escaping @Sendable () -> Void) { self.onLoss = onLoss }

    /// Whether a connection may be used again after a success.
    var isEarned: Bool { state.withLock { $0.isEarned } }

    /// Whether a repeated `ackno` on one connection proves a copy. That is so if all of them differed while trust was earned.
    var hasUniqueMarks: Bool { state.withLock { $0.isEarned && $0.marks.count == Self.silencesNeeded } }

    /// Whether the caller may listen to one more connection after its answer. After `true` the caller must call one of the two functions below.
    func mayListen() -> Bool {
        state.withLock { state in
            guard !state.isLost, state.silences + state.listeners < Self.silencesNeeded else { return false }
            state.listeners += 1
            return true
        }
    }

    /// Records that silence followed an answer.
    /// - Parameter mark: the `ackno` of that answer, as it was spelled.
    func heardSilence(after mark: [UInt8]) {
        state.withLock { state in
            state.listeners -= 1
            state.silences += 1
            state.marks.insert(mark)
        }
    }

    /// Records that listening ended early, so that it shows nothing.
    func stoppedListening() { state.withLock { $0.listeners -= 1 } }

    /// Records that unexpected bytes arrived.
    func lose() {
        let isNew = state.withLock { state in
            defer { state.isLost = true }
            return !state.isLost
        }
        if isNew { onLoss() }
    }
}
