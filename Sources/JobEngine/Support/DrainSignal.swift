import Synchronization

/// Tells everybody who waits that the process is about to stop, so that waits end early while calls may finish.
package final class DrainSignal: Sendable {
    private let draining = Atomic(false)
    private let signal = Signal()

    package init() {}

    package var isDraining: Bool { draining.load(ordering: .sequentiallyConsistent) }

    package func drain() {
        draining.store(true, ordering: .sequentiallyConsistent)
        signal.pulse()
    }

    /// Returns after that time, or as soon as draining begins.
    func sleep(for duration: Duration, on clock: any EngineClock) async {
        await withTaskGroup { group in
            group.addTask { await clock.sleep(for: duration) }
            group.addTask { await self.wait() }
            await group.next()
            group.cancelAll()
        }
    }

    /// Returns when draining begins, or the task is cancelled.
    func wait() async { await signal.wait { self.isDraining } }
}
