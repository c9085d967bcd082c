import Synchronization

/// Runs the real state machines and engine in a world that is made up, whose every mishap comes from a seed.
package enum Simulation {
    package struct Result: Sendable {
        package var seed: UInt64
        /// The promises that were broken, one sentence each; empty if all were kept.
        package var violations: [String]
        /// What happened, one line each; empty unless it was asked for.
        package var trace: [String]
    }

    /// More steps than any story takes that comes to an end.
    private static let mostSteps = 1_000_000

    /// Runs one seed. The same seed does the same every time.
    /// - Parameters:
    ///   - bug: a mistake to plant, for tests of the checks.
    ///   - keepsTrace: keeps a line of everything that happens.
    package static func run(seed: UInt64, bug: PlantedBug? = nil, keepsTrace: Bool = false) -> Result {
        let world = SimulatedWorld(seed: seed, bug: bug, keepsTrace: keepsTrace)
        let ending = FinishedScenario()
        let story = Task(executorPreference: world.executor) { ending.set(await SimulatedScenario(world).run()) }
        var steps = 0
        while ending.violations == nil, steps < mostSteps {
            steps += 1
            if !world.executor.step({ world.number(0...$0 - 1) }), !world.advance() { break }
        }
        let violations =
            ending.violations ?? [steps < mostSteps ? "everybody waits, and nothing will ever happen" : "it never comes to rest"]
        story.cancel()
        // What is left ends, so that nothing of this world outlives it.
        while world.executor.step({ world.number(0...$0 - 1) }) || world.advance() {}
        return Result(seed: seed, violations: violations, trace: world.trace)
    }
}

private final class FinishedScenario: Sendable {
    private let state = Mutex<[String]?>(nil)
    var violations: [String]? { state.withLock { $0 } }
    func set(_ violations: [String]) { state.withLock { $0 = violations } }
}

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
