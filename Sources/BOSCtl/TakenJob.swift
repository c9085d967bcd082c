import Glibc
import JobEngine
import JobModel
import Ledger

/// A job that this command has taken for one change. Nobody else's change is lost: whoever takes it meanwhile is the one who is believed.
struct TakenJob {
    let record: JobRecord
    private let ledger: any Ledger
    private let owner: String

    /// Takes a job that waits in the ledger or is parked.
    /// - Parameter known: as it was read a moment ago.
    init(_ known: JobRecord, from ledger: any Ledger, at now: Timestamp) async throws {
        let (kind, reference) = (known.job.kind, known.job.reference)
        owner = "bosctl-\(getpid())-\(now.milliseconds)#\(known.id)"
        self.ledger = ledger
        var claim = Claim(
            job: known.job, fingerprint: known.fingerprint, asker: nil, owner: owner,
            isLive: Self.isWorkers, now: now, progress: known.progress, entry: HistoryEntry(at: now, .resumed))
        claim.takesParked = true
        switch try await ledger.claim(claim) {
        case .resumed(let record): self.record = record
        case .joined(let owner): throw CommandFailure.owned(kind, reference: reference, owner: owner)
        case .answered:
            let progress = try await ledger.job(kind, reference)?.record.progress ?? known.progress
            throw CommandFailure.over(kind, reference: reference, progress.state, at: progress.completedAt)
        case .new, .waiting, .conflict, .repeats, .unknown: throw CommandFailure.changed(kind, reference: reference)
        }
    }

    /// Whether a job must be left to its owner: a worker's run is never interrupted, for it may be sending. Another bosctl holds a job for
    /// milliseconds, or has died with it.
    static func isWorkers(_ owner: String) -> Bool { !owner.hasPrefix("bosctl-") }

    /// Stores what was done to the job and leaves it to the ledger.
    /// - Returns: one reply for each asker, if there is one to tell.
    func leave(_ progress: Progress, _ entry: HistoryEntry, telling reply: Reply? = nil) async throws -> [OutgoingReply] {
        let update = Update(jobID: record.id, owner: owner, progress: progress, reply: reply, keepsOwnership: false, entry: entry)
        switch try await ledger.update(update) {
        case .stored(let replies): return replies
        case .lost: throw CommandFailure.changed(record.job.kind, reference: record.job.reference)
        }
    }
}
