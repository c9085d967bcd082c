package import JobModel

/// An operator's claim of one job, for one change beside the running worker and poller. No other change is lost: if a run claims the job
/// meanwhile, the operator's change is dropped.
package struct OperatorClaim {
    /// Why the operator cannot claim or change the job now. Nothing was changed.
    package enum Unavailable: Error {
        /// A run works on the job.
        case owned(by: String)
        /// The job is final.
        case over(JobState, at: Timestamp?)
        /// The job has changed since the operator read it.
        case changed
    }

    /// The job as the ledger had it when the claim was made.
    package let record: JobRecord
    private let ledger: any Ledger
    private let owner: String

    /// Claims a job that waits in the ledger, is parked or is held.
    /// - Parameters:
    ///   - known: the job as the operator has read it.
    ///   - name: distinguishes this command of this process from all others.
    /// - Throws: ``Unavailable`` or ``LedgerError``.
    package init(_ known: JobRecord, from ledger: any Ledger, as name: String, at now: Timestamp) async throws {
        owner = "\(Self.prefix)\(name)-\(now.milliseconds)#\(known.id)"
        self.ledger = ledger
        var claim = Claim(
            job: known.job, fingerprint: known.fingerprint, recipient: nil, owner: owner, isLive: Self.isWorkers, now: now,
            progress: known.progress, entry: HistoryEntry(at: now, .resumed))
        claim.isFromOperator = true
        switch try await ledger.claim(claim) {
        case .resumed(let record): self.record = record
        case .joined(let owner, _, _): throw Unavailable.owned(by: owner)
        case .answered:
            let progress = try await ledger.job(known.job.kind, reference: known.job.reference)?.record.progress ?? known.progress
            throw Unavailable.over(progress.state, at: progress.completedAt)
        case .new, .waiting, .conflict, .repeats, .unknown: throw Unavailable.changed
        }
    }

    private static let prefix = "bosctl-"

    /// Whether the owner is a worker's run. Such a run may be sending, and must not be interrupted. An operator's command owns a job for
    /// milliseconds, or has died while it owned the job.
    package static func isWorkers(_ owner: String) -> Bool { !owner.hasPrefix(prefix) }

    /// Stores the changed job and gives up ownership.
    /// - Parameter outcome: the outcome to count for the answer that BOS had given to the doubtful recharge; `nil` if it is not known.
    /// - Returns: one stored reply for each recipient, if `reply` is given.
    /// - Throws: ``Unavailable`` or ``LedgerError``.
    package func release(
        _ progress: Progress, entry: HistoryEntry, reply: Reply? = nil, meaning outcome: Outcome? = nil
    ) async throws -> [OutgoingReply] {
        var update = Update(jobID: record.id, owner: owner, progress: progress, reply: reply, keepsOwnership: false, entry: entry)
        if let outcome, let answer = record.progress.doubtfulAnswer {
            update.sightings = [CodeSighting(.recharge, answer: answer, afterwards: outcome)]
        }
        switch try await ledger.update(update) {
        case .stored(let replies): return replies
        case .lost: throw Unavailable.changed
        }
    }

    /// Gives up ownership without a change; `entry` says so in the job's history.
    private func releaseUnchanged<Value>(_ entry: HistoryEntry) async throws -> Value {
        _ = try await release(record.progress, entry: entry)
        throw Unavailable.changed
    }
}

// MARK: - What an operator can do

extension OperatorClaim {
    /// Makes the job due now.
    /// - Parameters:
    ///   - entry: makes the history entry from the job's new state.
    ///   - unchanged: the history entry if the job may be executing.
    /// - Throws: ``Unavailable`` or ``LedgerError``.
    package func retry(
        _ policy: RetryPolicy, at now: ClockReading, entry: (JobState) -> HistoryEntry, otherwise unchanged: HistoryEntry
    ) async throws {
        guard let progress = retried(policy, at: now) else { return try await releaseUnchanged(unchanged) }
        _ = try await release(progress, entry: entry(progress.state))
    }

    /// The job's progress once it is due now; `nil` if the job may be executing.
    private func retried(_ policy: RetryPolicy, at now: ClockReading) -> Progress? {
        switch record.job {
        case .recharge(let recharge):
            var machine = RechargeMachine(recharge, acceptedAt: record.acceptedAt, progress: record.progress, policy: policy)
            return machine.retry(at: now) ? machine.progress : nil
        case .rechargeStatus, .panStatus:
            var progress = record.progress
            progress.dueAt = now.wallClock
            return progress
        }
    }

    /// Applies an operator's decision, unless the recharge was sent or BOS has answered since the operator last read it.
    /// - Parameters:
    ///   - known: the job as the operator has read it.
    ///   - entry: the history entry of the decision.
    ///   - unchanged: the history entry if the decision is not applied.
    /// - Returns: the verdict, and one stored reply for each recipient.
    /// - Throws: ``Unavailable`` or ``LedgerError``.
    package func resolve(
        _ decision: Decision, knowing known: JobRecord, policy: RetryPolicy, at now: ClockReading, entry: HistoryEntry,
        otherwise unchanged: HistoryEntry
    ) async throws -> (Verdict, [OutgoingReply]) {
        guard record.progress.isAsKnown(known.progress), let (verdict, progress) = record.resolved(decision, policy: policy, at: now) else {
            return try await releaseUnchanged(unchanged)
        }
        let reply = Reply(to: record.job, verdict: verdict, progress: progress, acceptedAt: record.acceptedAt, at: now.wallClock)
        return (verdict, try await release(progress, entry: entry, reply: reply, meaning: verdict.outcome))
    }

    /// Sends a doubtful recharge again by an operator's decision, unless it was sent or BOS has answered since the operator last read it.
    /// - Parameters:
    ///   - known: the job as the operator has read it.
    ///   - entry: the history entry of the decision.
    ///   - unchanged: the history entry if the decision is not applied.
    /// - Throws: ``Unavailable`` or ``LedgerError``.
    package func sendAgain(
        knowing known: JobRecord, policy: RetryPolicy, at now: ClockReading, entry: HistoryEntry, otherwise unchanged: HistoryEntry
    ) async throws {
        guard record.progress.isAsKnown(known.progress), let progress = record.sentAgain(policy, at: now) else {
            return try await releaseUnchanged(unchanged)
        }
        _ = try await release(progress, entry: entry, meaning: .notFound)
    }

    /// An operator's decision about the outcome of a recharge.
    package struct Decision: Sendable {
        package var succeeded: Bool
        package var reason: String
        /// BOS's answer to the operator's enquiry, if it decides anything.
        package var heard: Answer?

        package init(succeeded: Bool, reason: String, heard: Answer?) {
            self.succeeded = succeeded
            self.reason = reason
            self.heard = heard
        }
    }
}

extension JobRecord {
    /// The verdict and progress after an operator's decision; `nil` if there is nothing to decide.
    package func resolved(_ decision: OperatorClaim.Decision, policy: RetryPolicy, at now: ClockReading) -> (Verdict, Progress)? {
        guard case .recharge(let recharge) = job else { return nil }
        var machine = RechargeMachine(recharge, acceptedAt: acceptedAt, progress: progress, policy: policy)
        return machine.resolve(succeeded: decision.succeeded, reason: decision.reason, heard: decision.heard, at: now).map {
            ($0, machine.progress)
        }
    }

    /// The recharge's progress once the operator has ordered it to be sent again; `nil` if it is not in a doubt that allows this.
    package func sentAgain(_ policy: RetryPolicy, at now: ClockReading) -> Progress? {
        guard case .recharge(let recharge) = job else { return nil }
        var machine = RechargeMachine(recharge, acceptedAt: acceptedAt, progress: progress, policy: policy)
        return machine.sendAgain(at: now) ? machine.progress : nil
    }
}

extension Progress {
    /// Whether `known` still holds: the recharge was not sent, and BOS has not answered, since `known` was read.
    fileprivate func isAsKnown(_ known: Progress) -> Bool {
        state == known.state && attempts == known.attempts && doubt == known.doubt && answer == known.answer
    }
}
