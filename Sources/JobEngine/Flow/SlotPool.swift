import Synchronization

/// One delivery's place among those of its lane that are worked on at once. It can be left and taken again.
final class Slot: Sendable {
    private let lane: Lane
    private let isTaken = Mutex(false)

    init(_ lane: Lane) { self.lane = lane }

    /// Takes a place, or waits for one. `false` if there was none within that time, or the process is about to stop.
    func enter(within patience: Duration, _ drain: DrainSignal) async -> Bool {
        guard await lane.enter(within: patience, drain) else { return false }
        isTaken.withLock { $0 = true }
        return true
    }

    /// Nothing happens if it was left before.
    func leave() {
        let wasTaken = isTaken.withLock { isTaken in
            defer { isTaken = false }
            return isTaken
        }
        if wasTaken { lane.leave() }
    }
}
