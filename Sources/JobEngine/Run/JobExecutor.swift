package import AMQP
import Events
import JobModel
import Ledger
import Logging

/// The way of one delivery: admit it, read its job, claim the job, run it, settle the delivery.
package final class JobExecutor: Sendable {
    let context: EngineContext
    private let intake: Intake
    private let refusals: Refusals

    package init(_ context: EngineContext) {
        self.context = context
        intake = Intake(ledger: context.ledger, rules: context.configuration.rules)
        refusals = Refusals(
            outbox: context.outbox, exchanges: context.configuration.exchanges, drain: context.drain, clock: context.clock,
            metrics: context.metrics, logger: context.logger)
    }

    /// Works on one delivery, and settles it as the last step.
    package func handle(_ delivery: Delivery, in lane: Lane) async {
        switch await admit(delivery, to: lane) {
        case .ack: delivery.ack()
        case .requeue: delivery.requeue()
        case .reject: delivery.reject()
        }
    }

    /// Lets the delivery through the lane's gate. A delivery that arrives at a closed gate goes back to its queue.
    private func admit(_ delivery: Delivery, to lane: Lane) async -> Settlement {
        guard !context.drain.isDraining, let admission = lane.gate.admit() else { return .requeue }
        let place = DeliveryPlace(
            lane: lane, slot: Slot(lane), admission: admission,
            deadline: context.clock.uptime() + context.configuration.deliveryTimeout - context.configuration.confirmTimeout)
        let settlement = await takeSlot(for: delivery, at: place)
        await lane.gate.end(admission, isOver: settlement != .requeue)
        return settlement
    }

    /// Waits for one of the lane's slots, as long as enough time is left for a call to BOS after the wait.
    private func takeSlot(for delivery: Delivery, at place: DeliveryPlace) async -> Settlement {
        let patience = place.deadline - context.clock.uptime() - context.configuration.requestTimeout
        guard await place.slot.acquire(within: patience, drain: context.drain) else { return .requeue }
        defer { place.slot.release() }
        guard place.lane.gate.admits(place.admission), !context.drain.isDraining else { return .requeue }
        return await work(on: delivery, at: place)
    }

    /// Reads the job and executes it. A message that is not a job, or must not become one, is answered and refused.
    private func work(on delivery: Delivery, at place: DeliveryPlace) async -> Settlement {
        let incoming = IncomingJob(delivery, lane: place.lane.name)
        let refusal: JobRefusal
        switch await intake.read(incoming) {
        case .unavailable(let error, let kind, let reference):
            return await context.settlement(for: error, kind: kind, reference: reference)
        case .refused(let reason): refusal = reason
        case .job(let job, let fingerprint):
            context.metrics.began(job.kind)
            defer { context.metrics.ended(job.kind) }
            let delivered = DeliveredJob(
                job, fingerprint: fingerprint, incoming: incoming, isRedelivered: delivery.isRedelivered, place: place)
            switch await execute(delivered) {
            case .settled(let settlement): return settlement
            case .refused(let reason): refusal = reason
            }
        }
        return await refusals.refuse(delivery, readAs: incoming, because: refusal, until: place.deadline)
    }

    private enum ExecutionResult {
        case settled(Settlement)
        case refused(JobRefusal)
    }

    private func execute(_ delivered: DeliveredJob) async -> ExecutionResult {
        switch delivered.job.kind {
        case .recharge: await claimAndRun(delivered, by: RechargeCaller(context))
        case .rechargeStatus: await claimAndRun(delivered, by: RechargeStatusCaller(context))
        case .panStatus: await claimAndRun(delivered, by: PANStatusCaller(context))
        }
    }

    /// Claims the job, and runs it if this delivery may work on it.
    private func claimAndRun<Caller: BOSCaller>(_ delivered: DeliveredJob, by caller: Caller) async -> ExecutionResult {
        let owner = context.runs.begin()
        defer { context.runs.end(owner) }
        let now = context.clock.moment
        guard var machine = machine(for: delivered.job, of: caller, acceptedAt: now.wallClock) else { return .settled(.reject) }
        let first = machine.wake(at: now, jitter: context.clock.jitter())
        let claiming = JobClaim(context: context, delivered: delivered, owner: owner)
        do throws(LedgerError) {
            let (result, claim) = try await claiming.claim(machine.progress, verdict: first.verdict, at: now.wallClock)
            switch result {
            case .new(let record, let replies) where record.owner == nil:
                if record.progress.state.needsManualReview { context.logNeedsPerson(record, reason: "it repeats an earlier purchase") }
                return .settled(await context.finish(record, verdict: claim.reply?.verdict, replies: replies))
            case .new(let record, _):
                var run = JobRun(machine, of: record, owner: owner, caller: caller, delivered: delivered, context: context)
                return .settled(await run.drive(first, isStored: true))
            case .resumed(let record): return .settled(await resume(record, by: caller, owner: owner, delivered: delivered))
            // The run that works on the job publishes the reply to this recipient too, and has a delivery of its own.
            case .joined(_, isRecipient: true, _) where !delivered.isRedelivered: return .settled(.ack)
            case .joined: return .settled(.requeue)
            case .waiting(let replies), .answered(let replies):
                await context.outbox.deliver(repeated: replies)
                return .settled(.ack)
            // `JobClaim` has claimed such a job again, as one that is held or refused. A job that no run has claimed stays in its queue.
            case .repeats: return .settled(.requeue)
            case .conflict: return .refused(.conflict(with: delivered.job))
            case .unknown: return .refused(.unknown(delivered.job))
            }
        } catch {
            return .settled(await context.settlement(for: error, kind: delivered.job.kind, reference: delivered.job.reference))
        }
    }

    /// Continues a job from the progress in the ledger.
    private func resume<Caller: BOSCaller>(
        _ record: JobRecord, by caller: Caller, owner: String, delivered: DeliveredJob
    ) async -> Settlement {
        guard var machine = machine(for: record.job, of: caller, acceptedAt: record.acceptedAt, progress: record.progress) else {
            return .reject
        }
        let step = machine.wake(at: context.clock.moment, jitter: context.clock.jitter())
        context.logger.log(.jobResumed, metadata: record.metadata)
        var run = JobRun(machine, of: record, owner: owner, caller: caller, delivered: delivered, context: context)
        return await run.drive(step, isStored: false)
    }

    /// The state machine of a job. `nil` if the caller is for another kind of job.
    private func machine<Caller: BOSCaller>(
        for job: Job, of caller: Caller, acceptedAt: Timestamp, progress: Progress = Progress()
    ) -> Caller.Machine? {
        Caller.Machine(job, acceptedAt: acceptedAt, progress: progress, policy: context.configuration.policy)
    }
}

extension JobRefusal {
    fileprivate static func conflict(with job: Job) -> JobRefusal {
        JobRefusal(
            deadLetter: nil, code: .referenceConflict,
            detail: "this reference was used before for a job with other content; that job is unchanged, and this one is not sent",
            kind: job.kind, reference: job.reference)
    }

    fileprivate static func unknown(_ job: Job) -> JobRefusal {
        JobRefusal(
            deadLetter: .invalidJob, code: .invalidJob,
            detail: "another ledger put this job back on its queue, and the worker's ledger does not know it; only that other ledger "
                + "shows whether it was sent to BOS before",
            kind: job.kind, reference: job.reference)
    }
}
