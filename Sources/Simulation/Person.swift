import JobEngine
import JobModel
import Ledger
import Synchronization

/// An operator with `bosctl`: looks now and then at what is left to people, and has a doubt asked about at once. Every change is a process of
/// its own that may die in the middle of it, beside the workers.
struct Person: Sendable {
    let setting: Setting
    private let approved = Approved()

    private var world: World { setting.world }

    init(_ setting: Setting) { self.setting = setting }

    /// References that were held back until this person had them sent.
    var sent: Set<String> { approved.references.withLock { $0 } }

    func run() async {
        var commands = 0
        while !Task.isCancelled {
            await world.sleep(Int64(world.number(10_000...120_000)))
            for record in setting.ledger.records where record.job.kind == .recharge && !record.progress.state.isFinal {
                guard record.progress.state.isLeftToPerson || world.chance(0.2) else { continue }
                commands += 1
                let process = Process("bosctl\(commands)", in: setting)
                // What it cannot have or cannot store is looked at again next time.
                try? await settle(record, as: process)
                process.crash()
            }
        }
    }

    private func settle(_ known: JobRecord, as process: Process) async throws {
        let clock = process.clock
        let word = truth(about: known)
        let taken = try await OperatorClaim(known, from: process, as: process.name, at: clock.now())
        let now = clock.moment
        let policy = Worker.configuration(process).policy
        let unchanged = HistoryEntry(at: now.civil, .released, detail: "left as it was")
        if let word {
            world.note("\(process.name) says that \(known.job.reference) \(word.succeeded ? "succeeded" : "failed")")
            let entry = HistoryEntry(at: now.civil, .resolved)
            _ = try await taken.resolve(word, knowing: known, policy: policy, at: now, entry: entry, otherwise: unchanged)
        } else {
            if taken.record.progress.state == .held { approved.references.withLock { _ = $0.insert(known.job.reference) } }
            world.note("\(process.name) retries \(known.job.reference)")
            try await taken.retry(
                policy, at: now, entry: { HistoryEntry(at: now.civil, .released, detail: $0.rawValue) }, otherwise: unchanged)
        }
    }

    /// What the person knows from elsewhere, once nothing is on its way any more; `nil` if the recharge is to go on.
    private func truth(about record: JobRecord) -> OperatorClaim.Decision? {
        switch record.progress.state {
        case .held: return world.chance(0.5) ? OperatorClaim.Decision(succeeded: false, reason: "not meant", heard: nil) : nil
        case .parked:
            guard let executed = setting.bos.settled(record.job.reference), world.chance(0.5) else { return nil }
            return OperatorClaim.Decision(succeeded: executed, reason: "on the statement", heard: nil)
        default: return nil
        }
    }
}

private final class Approved: Sendable {
    let references = Mutex<Set<String>>([])
}
