import JobEngine
import JobModel
import Ledger
import Synchronization

/// An operator with `bosctl`: looks now and then at what is left to people, and has a doubt asked about at once. Every change is a process of
/// its own that may die in the middle of it, beside the workers.
struct SimulatedOperator: Sendable {
    let environment: SimulatedEnvironment
    private let approved = ApprovedReferences()

    private var world: SimulatedWorld { environment.world }

    init(_ environment: SimulatedEnvironment) { self.environment = environment }

    /// References that were held back until this person had them sent.
    var sent: Set<String> { approved.references.withLock { $0 } }

    func run() async {
        var commands = 0
        while !Task.isCancelled {
            await world.sleep(Int64(world.number(10_000...120_000)))
            for record in environment.ledger.records where record.job.kind == .recharge && !record.progress.state.isFinal {
                guard record.progress.state.isLeftToPerson || world.chance(0.2) else { continue }
                commands += 1
                let process = SimulatedProcess("bosctl\(commands)", in: environment)
                // What it cannot have or cannot store is looked at again next time.
                try? await decide(record, as: process)
                process.crash()
            }
        }
    }

    private func decide(_ known: JobRecord, as process: SimulatedProcess) async throws {
        let clock = process.clock
        let word = knownOutcome(of: known)
        let taken = try await TakenJob(known, from: process, as: process.name, at: clock.now())
        let now = clock.moment
        let policy = SimulatedWorker.configuration(process).policy
        let unchanged = HistoryEntry(at: now.civil, .released, "left as it was")
        if let word {
            world.note("\(process.name) says that \(known.job.reference) \(word.succeeded ? "succeeded" : "failed")")
            let entry = HistoryEntry(at: now.civil, .settled)
            _ = try await taken.resolve(word, knowing: known, policy, at: now, entry, otherwise: unchanged)
        } else {
            if taken.record.progress.state == .held { approved.references.withLock { _ = $0.insert(known.job.reference) } }
            world.note("\(process.name) retries \(known.job.reference)")
            try await taken.retry(policy, at: now, { HistoryEntry(at: now.civil, .released, $0.rawValue) }, otherwise: unchanged)
        }
    }

    /// What the person knows from elsewhere, once nothing is on its way any more; `nil` if the recharge is to go on.
    private func knownOutcome(of record: JobRecord) -> TakenJob.Word? {
        switch record.progress.state {
        case .held: return world.chance(0.5) ? TakenJob.Word(succeeded: false, reason: "not meant", heard: nil) : nil
        case .parked:
            guard let executed = environment.bos.isExecuted(record.job.reference), world.chance(0.5) else { return nil }
            return TakenJob.Word(succeeded: executed, reason: "on the statement", heard: nil)
        default: return nil
        }
    }
}

private final class ApprovedReferences: Sendable {
    let references = Mutex<Set<String>>([])
}
