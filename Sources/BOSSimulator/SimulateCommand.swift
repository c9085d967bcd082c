import ArgumentParser
private import Foundation
internal import Simulation
private import Synchronization

/// `bos-simulator simulate`: searches for an order of crashes and faults that breaks a promise.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Runs the real rules of worker and poller in a simulated world full of faults.",
        discussion: """
            Each seed is one scenario of jobs, crashes, lost confirms, time-outs, late executions and clock jumps. The same seed gives the \
            same scenario every time. The command needs no broker, no ledger file and no BOS.

            Exit codes: 0 every promise was kept; 1 a promise was broken, and the trace of its scenario is printed.
            """)

    @Option(help: "The first seed.")
    var seed: UInt64 = 0

    @Option(help: "How many seeds to run, counted from the first one.")
    var runs: UInt64 = 1

    @Option(help: ArgumentHelp("Plants a bug, to show that the checks find it.", valueName: "bug"))
    var plant: PlantedBug?

    @Flag(help: "Prints the trace of the first seed even if every promise was kept.")
    var trace = false

    func validate() throws {
        guard runs > 0 else { throw ValidationError("--runs must be 1 or more: without a scenario nothing is checked") }
        guard !seed.addingReportingOverflow(runs).overflow else { throw ValidationError("--seed and --runs are too large together") }
    }

    func run() async throws {
        let search = SeedSearch(from: seed, count: runs, planting: plant)
        guard let broken = await search.firstBroken() else {
            if trace { Self.printTrace(of: Simulation.run(seed: seed, bug: plant, keepsTrace: true)) }
            print("\(runs) \(runs == 1 ? "scenario" : "scenarios") from seed \(seed) on: every promise was kept")
            return
        }
        Self.printTrace(of: Simulation.run(seed: broken, bug: plant, keepsTrace: true))
        let planted = plant.map { " --plant \($0.rawValue)" } ?? ""
        print("seed \(broken) broke a promise; the same again: bos-simulator simulate --seed \(broken)\(planted)")
        throw ExitCode(1)
    }

    private static func printTrace(of result: Simulation.Result) {
        for line in result.trace { print(line) }
        for violation in result.violations { print("BROKEN: \(violation)") }
    }
}

/// Searches for the lowest seed that breaks a promise.
private final class SeedSearch: Sendable {
    private let next: Atomic<UInt64>
    private let end: UInt64
    private let bug: PlantedBug?
    private let broken = Mutex<UInt64?>(nil)

    init(from seed: UInt64, count: UInt64, planting bug: PlantedBug?) {
        next = Atomic(seed)
        end = seed + count
        self.bug = bug
    }

    /// Runs one scenario at a time on each processor.
    /// - Returns: the lowest seed that was found to break a promise; `nil` if none was.
    func firstBroken() async -> UInt64? {
        await withDiscardingTaskGroup { group in
            for _ in 0..<ProcessInfo.processInfo.activeProcessorCount { group.addTask { self.search() } }
        }
        return broken.withLock { $0 }
    }

    private func search() {
        while broken.withLock({ $0 }) == nil {
            let seed = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard seed < end else { return }
            guard !Simulation.run(seed: seed, bug: bug).violations.isEmpty else { continue }
            broken.withLock { $0 = min($0 ?? seed, seed) }
        }
    }
}

extension PlantedBug: ExpressibleByArgument {}
