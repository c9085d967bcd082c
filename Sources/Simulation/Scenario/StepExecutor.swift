import Synchronization

/// Runs tasks one step at a time on the thread that drives the simulation, in an order that the seed chooses.
///
/// The steps of the real engine between two suspensions are thus shuffled against each other, and the same seed shuffles them the same way.
final class StepExecutor: TaskExecutor {
    private let ready = Mutex<[UnownedJob]>([])

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        ready.withLock { $0.append(job) }
    }

    /// Runs one step that is ready. `false` if none is.
    /// - Parameter choose: picks one of so many.
    func step(_ choose: (Int) -> Int) -> Bool {
        let job = ready.withLock { jobs -> UnownedJob? in
            guard !jobs.isEmpty else { return nil }
            jobs.swapAt(choose(jobs.count), jobs.count - 1)
            return jobs.removeLast()
        }
        guard let job else { return false }
        job.runSynchronously(on: asUnownedTaskExecutor())
        return true
    }
}
