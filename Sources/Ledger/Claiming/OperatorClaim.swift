package import JobModel

/// A job that a person has taken out of the ledger for one change, beside worker and poller. No other change is lost: where a
/// run takes the job meanwhile, the run's word counts.
package struct OperatorClaim {
    /// Why a person cannot have the job now. Nothing was changed.
    package enum Unavailable: Error {
        /// A run works on it at this moment.
        case owned(by: String)
        case over(JobState, at: Timestamp?)
        /// It went on while the person thought about it.
        case changed
    }

    package let record: JobRecord
    private let ledger: any Ledger
    private let owner: String

    /// Takes a job that waits in the ledger, is parked or held.
    /// - Parameters:
    ///   - known: as the person has read it.
    ///   - name: tells this command of this process from every other one.
    /// - Throws: ``Unavailable`` or ``LedgerError``.
    package init(_ known: JobRecord, from ledger: any Ledger, as name: String, at now: Timestamp) async throws {
        owner = "\(Self.prefix)\(name)-\(now.milliseconds)#\(known.id)"
        self.ledger = ledger
        var claim = Claim(
            job: known.job, fingerprint: known.fingerprint, asker: nil, owner: owner, isLive: Self.isWorkers, now: now,
            progress: known.progress, entry: HistoryEntry(at: now, .resumed))
        claim.takesParked = true
        switch try await ledger.claim(claim) {
        case .resumed(let record): self.record = record
        case .joined(let owner, _, _): throw Unavailable.owned(by: owner)
        case .answered:
            let progress = try await ledger.job(known.job.kind, known.job.reference)?.record.progress ?? known.progress
            throw Unavailable.over(progress.state, at: progress.completedAt)
        case .new, .waiting, .conflict, .repeats, .unknown: throw Unavailable.changed
        }
    }

    private static let prefix = "bosctl-"

    /// Whether a job must be left to its owner: a worker's run is never interrupted, for it may be sending. A person's command holds a job
    /// for milliseconds, or has died with it.
    package static func isWorkers(_ owner: String) -> Bool { !owner.hasPrefix(prefix) }

    /// Stores what was done to the job and leaves it to the ledger.
    /// - Parameter outcome: what the answer meant that BOS had given to a doubtful recharge; `nil` if that is not known.
    /// - Returns: one reply for each asker, if there is one to tell.
    package func leave(
        _ progress: Progress, _ entry: HistoryEntry, telling reply: Reply? = nil, meaning outcome: Outcome? = nil
    ) async throws -> [OutgoingReply] {
        var update = Update(jobID: record.id, owner: owner, progress: progress, reply: reply, keepsOwnership: false, entry: entry)
        if let outcome, let answer = record.progress.doubtfulAnswer {
            update.sightings = [CodeSighting(.recharge, answer, afterwards: outcome)]
        }
        switch try await ledger.update(update) {
        case .stored(let replies): return replies
        case .lost: throw Unavailable.changed
        }
    }

    /// Leaves it as it was, with a line that says so.
    private func releaseUnchanged<Value>(_ entry: HistoryEntry) async throws -> Value {
        _ = try await leave(record.progress, entry)
        throw Unavailable.changed
    }
}

// MARK: - What a person can do

extension OperatorClaim {
    /// Has the job go on at once.
    /// - Parameters:
    ///   - entry: the line for the history, given the state that the job is in from now on.
    ///   - unchanged: the line if it may be under way.
    package func retry(
        _ policy: RetryPolicy, at now: Moment, _ entry: (JobState) -> HistoryEntry, otherwise unchanged: HistoryEntry
    ) async throws {
        guard let progress = retried(policy, at: now) else { return try await releaseUnchanged(unchanged) }
        _ = try await leave(progress, entry(progress.state))
    }

    /// The job's progress when it goes on at once; `nil` if it may be under way.
    private func retried(_ policy: RetryPolicy, at now: Moment) -> Progress? {
        switch record.job {
        case .recharge(let recharge):
            var machine = RechargeMachine(recharge, acceptedAt: record.acceptedAt, progress: record.progress, policy: policy)
            return machine.retry(at: now) ? machine.progress : nil
        case .rechargeStatus, .panStatus:
            var progress = record.progress
            progress.dueAt = now.civil
            return progress
        }
    }

    /// Settles a recharge by a person's word, unless it was sent, or BOS has said something else of it, since the person has looked.
    /// - Parameter known: what the person has seen.
    /// - Returns: what the askers are to be told, with their replies.
    package func resolve(
        _ decision: Decision, knowing known: JobRecord, _ policy: RetryPolicy, at now: Moment, _ entry: HistoryEntry,
        otherwise unchanged: HistoryEntry
    ) async throws -> (Verdict, [OutgoingReply]) {
        guard record.progress.isAsKnown(known.progress), let (verdict, progress) = record.resolved(decision, policy, at: now) else {
            return try await releaseUnchanged(unchanged)
        }
        let reply = Reply(to: record.job, verdict: verdict, progress: progress, acceptedAt: record.acceptedAt, at: now.civil)
        return (verdict, try await leave(progress, entry, telling: reply, meaning: verdict.outcome))
    }

    /// Has a doubt sent again by a person's word, unless something happened to it since the person has looked.
    /// - Parameter known: what the person has seen.
    package func sendAgain(
        knowing known: JobRecord, _ policy: RetryPolicy, at now: Moment, _ entry: HistoryEntry, otherwise unchanged: HistoryEntry
    ) async throws {
        guard record.progress.isAsKnown(known.progress), let progress = record.sentAgain(policy, at: now) else {
            return try await releaseUnchanged(unchanged)
        }
        _ = try await leave(progress, entry, meaning: .notFound)
    }

    /// A person's word on a recharge.
    package struct Decision: Sendable {
        package var succeeded: Bool
        package var reason: String
        /// What BOS said when the person asked, if it decides anything.
        package var heard: Answer?

        package init(succeeded: Bool, reason: String, heard: Answer?) {
            self.succeeded = succeeded
            self.reason = reason
            self.heard = heard
        }
    }
}

extension JobRecord {
    /// What a person's word makes of a recharge; `nil` if there is nothing to settle.
    package func resolved(_ decision: OperatorClaim.Decision, _ policy: RetryPolicy, at now: Moment) -> (Verdict, Progress)? {
        guard case .recharge(let recharge) = job else { return nil }
        var machine = RechargeMachine(recharge, acceptedAt: acceptedAt, progress: progress, policy: policy)
        return machine.resolve(succeeded: decision.succeeded, reason: decision.reason, heard: decision.heard, at: now).map {
            ($0, machine.progress)
        }
    }
}

extension JobRecord {
    /// The recharge's progress once a person has it sent again; `nil` if it is no doubt that may be.
    package func sentAgain(_ policy: RetryPolicy, at now: Moment) -> Progress? {
        guard case .recharge(let recharge) = job else { return nil }
        var machine = RechargeMachine(recharge, acceptedAt: acceptedAt, progress: progress, policy: policy)
        return machine.sendAgain(at: now) ? machine.progress : nil
    }
}

extension Progress {
    /// Whether a person who has seen `known` has seen all that matters: it was not sent since, and BOS has not said anything else.
    fileprivate func isAsKnown(_ known: Progress) -> Bool {
        state == known.state && attempts == known.attempts && doubt == known.doubt && answer == known.answer
    }
}
