import JobModel
import Ledger

/// Claims one delivered job in the ledger.
struct JobClaim {
    let context: EngineContext
    let delivered: DeliveredJob
    /// The name of the run that would work on the job.
    let owner: String

    /// Claims the job.
    ///
    /// While another run works on the job, a copy of its message is acknowledged at once, because it would only occupy a slot. A redelivery may be
    /// that run's own delivery, sent again by the broker, so it waits: if the run ends without a result, only this delivery resumes the job soon.
    /// - Parameters:
    ///   - progress: the progress of the job's machine after its first step.
    ///   - verdict: set if that step ends the job.
    /// - Returns: the ledger's result, and the claim that it belongs to.
    func claim(_ progress: Progress, verdict: Verdict?, at now: Timestamp) async throws(LedgerError) -> (ClaimResult, Claim) {
        var claim = makeClaim(progress, verdict: verdict, at: now)
        while true {
            let result = try await context.ledger.claim(claim)
            if case .repeats(let earlier) = result, let held = held(claim, repeating: earlier) {
                claim = held
                continue
            }
            guard case .joined(let owner, let isRecipient, let replies) = result else { return (result, claim) }
            await context.outbox.deliver(repeated: replies)
            guard !isRecipient || delivered.isRedelivered else { return (result, claim) }
            claim.hasJoined = true
            guard await waitForEnd(of: owner) else { return (result, claim) }
            claim.now = context.clock.now()
        }
    }

    /// Waits until the run that works on the job has ended. The delivery gives up its slot for that time.
    /// - Returns: whether the job may be claimed again. If not, the delivery goes back to its queue, and its next delivery has a new deadline.
    private func waitForEnd(of owner: String) async -> Bool {
        let place = delivered.place
        place.slot.release()
        await withTaskGroup { group in
            group.addTask { await context.runs.waitForEnd(of: owner) }
            group.addTask { await context.drain.wait() }
            await group.next()
            group.cancelAll()
        }
        // Do not start with less time than a request may take.
        let patience = place.deadline - context.clock.uptime() - context.configuration.requestTimeout
        guard place.lane.gate.admits(place.admission), !context.drain.isDraining, patience >= .zero, !Task.isCancelled else { return false }
        return await place.slot.acquire(within: patience, drain: context.drain)
    }

    private func makeClaim(_ progress: Progress, verdict: Verdict?, at now: Timestamp) -> Claim {
        let reply = verdict.map { Reply(to: delivered.job, verdict: $0, progress: progress, acceptedAt: now, at: now) }
        var claim = Claim(
            job: delivered.job, fingerprint: delivered.fingerprint, recipient: delivered.recipient, owner: owner,
            isLive: context.runs.isLive,
            now: now, progress: progress, reply: reply, entry: HistoryEntry(at: now, .accepted, detail: progress.state.rawValue))
        (claim.messageID, claim.isRedelivered) = (delivered.messageID, delivered.isRedelivered)
        (claim.dueWhenRequeued, claim.longestPauses) = (delivered.dueAt, context.configuration.policy.longestPauses)
        // A job that is final already cannot be a duplicate purchase.
        if let guardian = context.configuration.purchaseGuard, !progress.state.isFinal, let key = delivered.job.purchase {
            claim.purchase = Claim.Purchase(key: key, notSince: now + (.zero - guardian.window))
        }
        return claim
    }

    /// The claim of a job that is not sent, because it repeats an earlier purchase.
    private func held(_ claim: Claim, repeating earlier: String) -> Claim? {
        guard case .recharge(let recharge) = claim.job, let action = context.configuration.purchaseGuard?.action else { return nil }
        var held = claim
        let now = context.clock.moment
        var machine = RechargeMachine(recharge, acceptedAt: now.wallClock, policy: context.configuration.policy)
        let verdict = machine.holdOrRefuse(repeating: earlier, action: action, at: now)
        held.now = now.wallClock
        held.progress = machine.progress
        held.purchase?.notSince = nil
        held.reply = Reply(to: claim.job, verdict: verdict, progress: machine.progress, acceptedAt: now.wallClock, at: now.wallClock)
        let event: HistoryEntry.Event = machine.progress.state.isFinal ? .finished : .parked
        held.entry = HistoryEntry(
            at: now.wallClock, event, detail: "\(machine.progress.state.rawValue); same purchase as recharge \(earlier)")
        return held
    }
}
