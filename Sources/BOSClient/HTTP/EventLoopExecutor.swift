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
        /// Whether a thread has put off asking the loop to run them to the end of its batch.
        var isAnnounced = false
        /// Whether the loop has been asked, or is at it.
        var isScheduled = false
    }

    private let eventLoop: any EventLoop
    private let state = Mutex(State())

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isOnLoop = eventLoop.inEventLoop
        let isFirst = state.withLock { state in
            state.jobs.append(job)
            // The loop does not wait for the end of another thread's batch.
            if isOnLoop || state.isAnnounced || state.isScheduled { return false }
            state.isAnnounced = true
            return true
        }
        if isOnLoop { schedule() } else if isFirst { WakeUps.post(schedule) }
    }

    private func schedule() {
        let isFirst = state.withLock { state in
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if isFirst { eventLoop.execute(run) }
    }

    /// Runs what waits as one batch, and then what has come meanwhile as the next.
    private func run() {
        while let jobs = next() {
            WakeUps.batched {
                for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
            }
        }
    }

    private func next() -> [UnownedJob]? {
        state.withLock { state in
            state.isAnnounced = false
            state.isScheduled = !state.jobs.isEmpty
            guard state.isScheduled else { return nil }
            defer { state.jobs = [] }
            return state.jobs
        }
    }
}
