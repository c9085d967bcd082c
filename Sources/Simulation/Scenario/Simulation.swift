import Synchronization

/// Runs the real engine and state machines in a simulated world. The seed decides every fault and every order of events.
package enum Simulation {
    package struct Result: Sendable {
        package var seed: UInt64
        /// One sentence for each promise that was broken; empty if all were kept.
        package var violations: [String]
        /// One line for each event; empty unless the caller asked for a trace.
        package var trace: [String]
    }

    /// A scenario that takes more steps than this will never end: those that end take far fewer.
    private static let mostSteps = 1_000_000

    /// Runs the scenario of one seed. The same seed gives the same result every time.
    /// - Parameters:
    ///   - bug: a mistake to plant, to test the checks.
    ///   - keepsTrace: whether the result contains a line for each event.
    package static func run(seed: UInt64, bug: PlantedBug? = nil, keepsTrace: Bool = false) -> Result {
        let world = SimulatedWorld(seed: seed, bug: bug, keepsTrace: keepsTrace)
        let finished = FinishedScenario()
        // A task of its own, because this thread runs its steps.
        let scenario = Task(executorPreference: world.executor) { finished.set(await SimulatedScenario(world).run()) }
        var steps = 0
        while finished.violations == nil, steps < mostSteps {
            steps += 1
            if !world.executor.step({ world.number(0...$0 - 1) }), !world.advance() { break }
        }
        let violations =
            finished.violations ?? [steps < mostSteps ? "every task waits, and no timer is set" : "it never comes to rest"]
        scenario.cancel()
        // Runs the remaining tasks to their ends, so that none of them outlives this call.
        while world.executor.step({ world.number(0...$0 - 1) }) || world.advance() {}
        return Result(seed: seed, violations: violations, trace: world.trace)
    }
}

/// Carries the violations from the scenario's task to the thread that runs its steps; `nil` until the scenario has ended.
private final class FinishedScenario: Sendable {
    private let state = Mutex<[String]?>(nil)
    var violations: [String]? { state.withLock { $0 } }
    func set(_ violations: [String]) { state.withLock { $0 = violations } }
}

/// Runs tasks one step at a time on the thread that drives the simulation. The seed chooses the order.
///
/// A step is what a task of the real engine does between two suspensions. The same seed interleaves the steps in the same way.
final class StepExecutor: TaskExecutor {
    private let ready = Mutex<[UnownedJob]>([])

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        ready.withLock { $0.append(job) }
    }

    /// Runs one step that is ready.
    /// - Parameter choose: returns an index below the number that it is given.
    /// - Returns: `false` if no step is ready.
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
