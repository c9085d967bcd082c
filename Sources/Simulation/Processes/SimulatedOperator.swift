import JobEngine
import JobModel
import Ledger
import Synchronization

/// An operator who uses `bosctl`: decides the recharges that wait for a decision, and has some doubts enquired about at once.
///
/// Each command is a process of its own. It runs beside the workers, and may crash at any step.
struct SimulatedOperator: Sendable {
    let environment: SimulatedEnvironment
    private let approved = ApprovedReferences()

    private var world: SimulatedWorld { environment.world }

    init(_ environment: SimulatedEnvironment) { self.environment = environment }

    /// The references of held recharges that the operator has had sent.
    var sent: Set<String> { approved.references.withLock { $0 } }

    func run() async {
        var commands = 0
        while !Task.isCancelled {
            await world.sleep(Int64(world.number(10_000...120_000)))
            for record in environment.ledger.records where record.job.kind == .recharge && !record.progress.state.isFinal {
                guard record.progress.state.needsManualReview || world.chance(0.2) else { continue }
                commands += 1
                let process = SimulatedProcess("bosctl\(commands)", in: environment)
                // If the command fails, the operator tries again at the next look.
                try? await decide(record, as: process)
                process.crash()
            }
        }
    }

    private func decide(_ known: JobRecord, as process: SimulatedProcess) async throws {
        let clock = process.clock
        let word = knownOutcome(of: known)
        let taken = try await OperatorClaim(known, from: process, as: process.name, at: clock.now())
        let now = clock.moment
        let policy = SimulatedWorker.configuration(process).policy
        let unchanged = HistoryEntry(at: now.wallClock, .released, detail: "left unchanged")
        if let word {
            world.note("\(process.name) says that \(known.job.reference) \(word.succeeded ? "succeeded" : "failed")")
            let entry = HistoryEntry(at: now.wallClock, .resolved)
            _ = try await taken.resolve(word, knowing: known, policy: policy, at: now, entry: entry, otherwise: unchanged)
        } else {
            if taken.record.progress.state == .held { approved.references.withLock { _ = $0.insert(known.job.reference) } }
            world.note("\(process.name) retries \(known.job.reference)")
            try await taken.retry(
                policy, at: now, entry: { HistoryEntry(at: now.wallClock, .released, detail: $0.rawValue) }, otherwise: unchanged)
        }
    }

    /// What the operator knows from another source, such as BOS's statement; `nil` if the recharge is to go on.
    private func knownOutcome(of record: JobRecord) -> OperatorClaim.Decision? {
        switch record.progress.state {
        case .held: return world.chance(0.5) ? OperatorClaim.Decision(succeeded: false, reason: "not meant", heard: nil) : nil
        case .parked:
            guard let executed = environment.bos.isExecuted(record.job.reference), world.chance(0.5) else { return nil }
            return OperatorClaim.Decision(succeeded: executed, reason: "on the statement", heard: nil)
        default: return nil
        }
    }
}

private final class ApprovedReferences: Sendable {
    let references = Mutex<Set<String>>([])
}
