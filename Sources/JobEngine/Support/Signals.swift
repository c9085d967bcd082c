import Synchronization

/// Wakes the tasks that wait for something to change.
package final class WakeSignal: Sendable {
    private struct State {
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Wakes all tasks that wait now, in the order in which they came.
    package func pulse() {
        let waiters = state.withLock { state in
            defer { state.waiters = [:] }
            return state.waiters.sorted { $0.key < $1.key }.map(\.value)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns at the next pulse, or when the task is cancelled.
    /// - Parameter isOver: whether the awaited change has happened already. No change is missed if its pulse follows it.
    package func wait(unless isOver: @Sendable () -> Bool = { false }) async {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state in
                    if isOver() || Task.isCancelled { return false }
                    state.waiters[id] = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}

/// Says that the process is about to stop. Waits end early then, while calls that are under way may finish.
package final class DrainSignal: Sendable {
    private let draining = Atomic(false)
    private let signal = WakeSignal()

    package init() {}

    package var isDraining: Bool { draining.load(ordering: .sequentiallyConsistent) }

    package func drain() {
        draining.store(true, ordering: .sequentiallyConsistent)
        signal.pulse()
    }

    /// Returns after that time, as soon as draining begins, or when the task is cancelled.
    func sleep(for duration: Duration, on clock: any EngineClock) async {
        await withTaskGroup { group in
            group.addTask { await clock.sleep(for: duration) }
            group.addTask { await self.wait() }
            await group.next()
            group.cancelAll()
        }
    }

    /// Returns when draining begins, or when the task is cancelled.
    func wait() async { await signal.wait { self.isDraining } }
}
