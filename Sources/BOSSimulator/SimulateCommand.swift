import ArgumentParser
private import Foundation
internal import Simulation
private import Synchronization

/// `bos-simulator simulate`: looks for an order of crashes and faults that breaks a promise.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Runs the worker's and the poller's own rules in a made-up world in which everything goes wrong.",
        discussion: """
            Each seed is one story: jobs, crashes, lost confirms, time-outs, late executions, jumping clocks. The same seed tells the same \
            story every time. Needs no broker, no ledger file and no BOS.

            Exit codes: 0 every promise was kept; 1 one was broken, and its story is printed.
            """)

    @Option(help: "The first seed.")
    var seed: UInt64 = 0

    @Option(help: "How many seeds, one after the other from the first on.")
    var runs: UInt64 = 1

    @Option(
        help: ArgumentHelp(
            "Plants a mistake, to see that it is found: \(PlantedBug.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "mistake"))
    var plant: PlantedBug?

    @Flag(help: "Prints the story of a seed even if every promise was kept.")
    var trace = false

    func validate() throws {
        guard runs > 0 else { throw ValidationError("--runs must be 1 or more: without a story nothing is shown") }
        guard !seed.addingReportingOverflow(runs).overflow else { throw ValidationError("--seed and --runs are too large together") }
    }

    func run() async throws {
        let search = SeedSearch(from: seed, count: runs, planting: plant)
        guard let broken = await search.firstBroken() else {
            if trace { Self.tell(Simulation.run(seed: seed, bug: plant, keepsTrace: true)) }
            print("\(runs) \(runs == 1 ? "story" : "stories") from seed \(seed) on: every promise was kept")
            return
        }
        Self.tell(Simulation.run(seed: broken, bug: plant, keepsTrace: true))
        let planted = plant.map { " --plant \($0.rawValue)" } ?? ""
        print("seed \(broken) broke a promise; the same again: bos-simulator simulate --seed \(broken)\(planted)")
        throw ExitCode(1)
    }

    private static func tell(_ result: Simulation.Result) {
        for line in result.trace { print(line) }
        for violation in result.violations { print("BROKEN: \(violation)") }
    }
}

/// Looks for the lowest seed that breaks a promise.
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

    /// One story a processor at a time.
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
