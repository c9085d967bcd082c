internal import DedicatedThread
import NIOCore
private import Synchronization

/// Runs tasks on the event loop that carries the calls.
///
/// A job is a handful of short steps between waits. On the loop's own thread a step costs no wake-up of another thread and an HTTP call
/// starts and ends where its caller runs: measured on two processors, that is a fifth of what a whole job costs.
final class EventLoopExecutor: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        /// Whether the loop has been asked to run them.
        var isAnnounced = false
    }

    private let eventLoop: any EventLoop
    private let state = Mutex(State())

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isFirst = state.withLock { state in
            state.jobs.append(job)
            defer { state.isAnnounced = true }
            return !state.isAnnounced
        }
        guard isFirst else { return }
        // The loop itself looks after its tasks before it sleeps.
        if eventLoop.inEventLoop { eventLoop.execute(run) } else { WakeUps.announce { self.eventLoop.execute(self.run) } }
    }

    /// Runs what waits as one batch, and then what has come meanwhile as the next.
    private func run() {
        while let jobs = next() {
            WakeUps.gathered {
                for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
            }
        }
    }

    private func next() -> [UnownedJob]? {
        state.withLock { state in
            state.isAnnounced = !state.jobs.isEmpty
            guard state.isAnnounced else { return nil }
            defer { state.jobs = [] }
            return state.jobs
        }
    }
}
