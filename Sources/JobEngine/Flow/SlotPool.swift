import Synchronization

/// The slots of a lane: how many jobs may run at once, how many hold a slot, and which deliveries wait for one.
///
/// The pool is a value that the lane guards with its lock. It resumes no waiter itself, because a waiter must not run under the lock: the
/// caller resumes the waiters that a method returns.
struct SlotPool {
    /// Resumed with `true` when its delivery has got a slot, with `false` when the delivery has stopped waiting.
    typealias Waiter = CheckedContinuation<Bool, Never>

    enum Entry {
        case admitted
        /// All slots are taken, or other deliveries came first. The ticket names this delivery among those that wait.
        case mustWait(ticket: Int)
    }

    private var limit: AdaptiveLimit
    /// How many deliveries hold a slot.
    private(set) var held = 0
    private var waiters: [(ticket: Int, waiter: Waiter)] = []
    private var lastTicket = 0

    init(_ limit: AdaptiveLimit) { self.limit = limit }

    /// How many slots there are now.
    var size: Int { limit.limit }

    /// How many deliveries wait for a slot.
    var waiting: Int { waiters.count }

    /// Takes a free slot, unless other deliveries wait already.
    mutating func enter() -> Entry {
        guard held < size, waiters.isEmpty else {
            lastTicket += 1
            return .mustWait(ticket: lastTicket)
        }
        held += 1
        return .admitted
    }

    /// Puts a delivery at the end of those that wait.
    /// - Returns: the waiters that have a slot now.
    mutating func wait(_ waiter: Waiter, ticket: Int) -> [Waiter] {
        waiters.append((ticket, waiter))
        return admit()
    }

    /// Takes a delivery off the list of those that wait; `nil` if it is not on the list.
    mutating func stopWaiting(ticket: Int) -> Waiter? {
        guard let index = waiters.firstIndex(where: { $0.ticket == ticket }) else { return nil }
        return waiters.remove(at: index).waiter
    }

    /// Gives a slot back.
    /// - Returns: the waiters that have a slot now.
    mutating func release() -> [Waiter] {
        held -= 1
        return admit()
    }

    /// Adapts the number of slots to a finished call. See ``AdaptiveLimit/record(_:latency:inFlight:at:)``.
    /// - Returns: the waiters that have a slot now.
    mutating func record(_ load: AdaptiveLimit.LoadSignal, latency: Duration, at now: Duration) -> [Waiter] {
        limit.record(load, latency: latency, inFlight: held, at: now)
        return admit()
    }

    private mutating func admit() -> [Waiter] {
        let count = min(max(0, size - held), waiters.count)
        held += count
        defer { waiters.removeFirst(count) }
        return waiters.prefix(count).map(\.waiter)
    }
}

// MARK: - Waiting for a slot

extension Lane {
    /// How many deliveries wait for a slot.
    var waiting: Int { state.withLock { $0.slots.waiting } }

    /// Takes a slot, or waits for one.
    /// - Parameter patience: how long to wait at most.
    /// - Returns: `false` if no slot became free in that time, or if the process is about to stop.
    func acquireSlot(within patience: Duration, drain: DrainSignal) async -> Bool {
        switch state.withLock({ $0.slots.enter() }) {
        case .admitted: return true
        case .mustWait(let ticket): return await waitForSlot(ticket: ticket, within: patience, drain: drain)
        }
    }

    func releaseSlot() {
        for waiter in state.withLock({ $0.slots.release() }) { waiter.resume(returning: true) }
    }

    private func waitForSlot(ticket: Int, within patience: Duration, drain: DrainSignal) async -> Bool {
        await withTaskGroup { group in
            group.addTask { await self.waitForSlot(ticket: ticket) }
            group.addTask {
                await drain.sleep(for: max(.zero, patience), on: self.clock)
                return false
            }
            let hasSlot = await group.next() ?? false
            group.cancelAll()
            // The slot may have come at the very moment at which the patience ended.
            for await hasLateSlot in group where hasLateSlot { return true }
            return hasSlot
        }
    }

    /// Returns `true` with a slot, or `false` when the task is cancelled.
    private func waitForSlot(ticket: Int) async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let admitted: [SlotPool.Waiter]? = state.withLock { state in
                    // The cancellation handler has run already, so nothing would ever take the delivery off the list.
                    if Task.isCancelled { return nil }
                    return state.slots.wait(continuation, ticket: ticket)
                }
                guard let admitted else { return continuation.resume(returning: false) }
                for waiter in admitted { waiter.resume(returning: true) }
            }
        } onCancel: {
            state.withLock { $0.slots.stopWaiting(ticket: ticket) }?.resume(returning: false)
        }
    }
}

/// One delivery's slot in its lane. The delivery may give the slot back and take one again.
final class Slot: Sendable {
    private let lane: Lane
    private let isHeld = Mutex(false)

    init(_ lane: Lane) { self.lane = lane }

    /// Takes a slot, or waits for one. See ``Lane/acquireSlot(within:drain:)``.
    func acquire(within patience: Duration, drain: DrainSignal) async -> Bool {
        guard await lane.acquireSlot(within: patience, drain: drain) else { return false }
        isHeld.withLock { $0 = true }
        return true
    }

    /// Gives the slot back. Does nothing if it was given back before.
    func release() {
        let wasHeld = isHeld.withLock { isHeld in
            defer { isHeld = false }
            return isHeld
        }
        if wasHeld { lane.releaseSlot() }
    }
}
