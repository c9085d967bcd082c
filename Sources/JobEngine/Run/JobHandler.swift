package import AMQP
import JobModel
package import Ledger
package import Logging

/// The way of one delivery: decode, claim, run, answer. Everything it works with is shared by all deliveries.
package struct JobHandler: Sendable {
    let configuration: EngineConfiguration
    let ledger: any Ledger
    let gateway: any BOSGateway
    let outbox: Outbox
    let lanes: Lanes
    let calibrator: EnquiryCalibrator
    let budget: SharedRetryBudget
    let drain: DrainSignal
    let runs: LiveRuns
    let clock: any EngineClock
    let metrics: EngineMetrics
    let logger: Logger

    package init(
        configuration: EngineConfiguration, ledger: any Ledger, gateway: any BOSGateway, outbox: Outbox, lanes: Lanes,
        calibrator: EnquiryCalibrator, drain: DrainSignal, runs: LiveRuns, clock: any EngineClock, metrics: EngineMetrics, logger: Logger
    ) {
        self.configuration = configuration
        self.ledger = ledger
        self.gateway = gateway
        self.outbox = outbox
        self.lanes = lanes
        self.calibrator = calibrator
        budget = SharedRetryBudget()
        self.drain = drain
        self.runs = runs
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
    }

    /// Works on one delivery until it can be let go of, and lets go of it: the last thing that happens to it.
    package func handle(_ delivery: Delivery, in lane: Lane) async {
        switch await settle(delivery, lane) {
        case .ack: delivery.ack()
        case .requeue: delivery.requeue()
        case .reject: delivery.reject()
        }
    }

    private func settle(_ delivery: Delivery, _ lane: Lane) async -> Settlement {
        // Taken before the gate closed, not begun: better in its queue than begun in vain.
        guard !drain.isDraining, let admission = lane.gate.admit() else { return .requeue }
        let settlement = await settle(delivery, lane, admission)
        await lane.gate.end(admission, isOver: settlement != .requeue)
        return settlement
    }

    private func settle(_ delivery: Delivery, _ lane: Lane, _ admission: ConsumptionGate.Admission) async -> Settlement {
        let deadline = clock.uptime() + configuration.deliveryTimeout - configuration.confirmTimeout
        let slot = Slot(lane)
        guard await slot.enter(within: deadline - clock.uptime() - configuration.requestTimeout, drain) else { return .requeue }
        defer { slot.leave() }
        guard lane.gate.admits(admission), !drain.isDraining else { return .requeue }
        let incoming = IncomingJob(delivery, lane: lane.name)
        let (job, fingerprint): (Job, [UInt8])
        switch await understand(incoming) {
        case .job(let decoded): (job, fingerprint) = decoded
        case .refused(let refusal): return await refuse(incoming, delivery, refusal, until: deadline)
        case .unknown(let error, let kind, let reference): return await give(error, kind, reference)
        }
        metrics.began(job.kind)
        defer { metrics.ended(job.kind) }
        // A reference was read, so there is a name to answer under.
        let asker = incoming.isResumption ? nil : incoming.asker(reference: job.reference) ?? Asker(correlationID: job.reference)
        let arrival = Arrival(
            job: job, fingerprint: fingerprint, asker: asker, messageID: incoming.messageID.flatMap { $0.isEmpty ? nil : $0 },
            isRedelivered: delivery.isRedelivered, dueAt: incoming.dueAt, lane: lane, slot: slot, admission: admission, deadline: deadline)
        let now = clock.now()
        let policy = configuration.policy
        let result: RunResult =
            switch job {
            case .recharge(let recharge):
                await run(
                    arrival, RechargeCaller(gateway: gateway, calibrator: calibrator, enquiresBy: configuration.enquiresBy),
                    RechargeMachine(recharge, acceptedAt: now, policy: policy)
                ) { record in
                    guard case .recharge(let recharge) = record.job else { return nil }
                    return RechargeMachine(recharge, acceptedAt: record.acceptedAt, record.progress, policy: policy)
                }
            case .rechargeStatus(let query):
                await run(
                    arrival,
                    RechargeStatusCaller(gateway: gateway, calibrator: calibrator, ledger: ledger, enquiresBy: configuration.enquiresBy),
                    RechargeStatusMachine(query, acceptedAt: now, policy: policy)
                ) { record in
                    guard case .rechargeStatus(let query) = record.job else { return nil }
                    return RechargeStatusMachine(query, acceptedAt: record.acceptedAt, record.progress, policy: policy)
                }
            case .panStatus(let query):
                await run(
                    arrival, PANStatusCaller(gateway: gateway), PANStatusMachine(query, acceptedAt: now, policy: policy)
                ) { record in
                    guard case .panStatus(let query) = record.job else { return nil }
                    return PANStatusMachine(query, acceptedAt: record.acceptedAt, record.progress, policy: policy)
                }
            }
        switch result {
        case .settled(let settlement): return settlement
        case .conflict:
            let refusal = JobRefusal(
                deadLetter: nil, code: .referenceConflict,
                detail: "this reference was used before for a job with other content; that job goes on as it was, this one is not sent",
                kind: job.kind, reference: job.reference)
            return await refuse(incoming, delivery, refusal, until: deadline)
        case .unknown:
            let refusal = JobRefusal(
                deadLetter: .invalidJob, code: .invalidJob,
                detail: "the job was put back on its queue by a ledger, and this ledger does not know it; whether it was sent to BOS "
                    + "before, only the ledger that put it back can tell",
                kind: job.kind, reference: job.reference)
            return await refuse(incoming, delivery, refusal, until: deadline)
        }
    }

    private enum RunResult {
        case settled(Settlement)
        case conflict
        case unknown
    }

    /// A job as a delivery has brought it.
    struct Arrival {
        let job: Job
        let fingerprint: [UInt8]
        /// `nil` if the ledger has put it back on its queue.
        let asker: Asker?
        let messageID: String?
        let isRedelivered: Bool
        /// When the job was due as the ledger put it back.
        let dueAt: Timestamp?
        let lane: Lane
        let slot: Slot
        let admission: ConsumptionGate.Admission
        /// Until when, in the clock's uptime, the delivery may be held.
        let deadline: Duration
    }

    /// Claims the job and, if it is ours to work on, runs it.
    /// - Parameter restore: the machine of a job that the ledger knows; `nil` if the record is of another kind.
    private func run<Caller: BOSCaller>(
        _ arrival: Arrival, _ caller: Caller, _ fresh: Caller.Machine, restore: (JobRecord) -> Caller.Machine?
    ) async -> RunResult {
        let owner = runs.begin()
        defer { runs.end(owner) }
        var machine = fresh
        let now = clock.moment
        let first = machine.wake(at: now, jitter: clock.jitter())
        let claim = makeClaim(arrival, owner, machine.progress, verdict: first.verdict, at: now.civil)
        func makeRun(_ machine: Caller.Machine, _ record: JobRecord) -> JobRun<Caller> {
            JobRun(
                handler: self, caller: caller, machine: machine, record: record, owner: owner,
                traceparent: arrival.asker?.traceparent ?? record.traceparent, lane: arrival.lane, deadline: arrival.deadline)
        }
        do throws(LedgerError) {
            let (result, stored) = try await claimed(claim, arrival)
            switch result {
            case .new(let record, let replies) where record.owner == nil:
                if record.progress.state.isLeftToPerson { leftToPerson(record, "it repeats an earlier purchase") }
                return .settled(await finish(record, stored.reply?.verdict, replies))
            case .new(let record, _):
                var run = makeRun(machine, record)
                return .settled(await run.drive(first, isStored: true))
            case .resumed(let record):
                guard var machine = restore(record) else { return .settled(.reject) }
                let step = machine.wake(at: clock.moment, jitter: clock.jitter())
                logger.info("a job goes on", metadata: record.metadata)
                var run = makeRun(machine, record)
                return .settled(await run.drive(step, isStored: false))
            // The run that works on it tells its asker, and has a delivery of its own.
            case .joined(_, isTold: true, _) where !arrival.isRedelivered: return .settled(.ack)
            case .joined: return .settled(.requeue)
            case .waiting(let replies), .answered(let replies):
                await outbox.deliver(repeated: replies)
                return .settled(.ack)
            case .conflict: return .conflict
            // Answered where it was claimed. Whatever else it is, a job that nobody has taken stays in its queue.
            case .repeats: return .settled(.requeue)
            case .unknown: return .unknown
            }
        } catch {
            return .settled(await give(error, arrival.job.kind, arrival.job.reference))
        }
    }

    /// The end of a delivery whose job the ledger could not be asked for.
    private func give(_ error: LedgerError, _ kind: JobKind, _ reference: String) async -> Settlement {
        guard case .unreadable(let detail) = error else {
            await lanes.close(.ledger, "\(error)")
            return .requeue
        }
        // Put back it would come again at once, and whether it was sent before nobody can tell: no answer would be true.
        logger.error(
            "a job is known to the ledger and cannot be read there; its message goes to the dead letters",
            metadata: ["kind": "\(kind.rawValue)", "reference": "\(reference)", "detail": "\(detail)"])
        metrics.deadLettered(.invalidJob)
        return .reject
    }

    /// Claims the job. While another run works on it a copy of its message is let go of at once: it would only take up the room of other jobs.
    /// A delivery that may be the run's own, handed out once more, is kept: should the run end without a result, only it would bring the job
    /// back soon.
    private func claimed(_ claim: Claim, _ arrival: Arrival) async throws(LedgerError) -> (ClaimResult, Claim) {
        var claim = claim
        while true {
            let result = try await ledger.claim(claim)
            if case .repeats(let earlier) = result, let kept = keptBack(claim, repeating: earlier) {
                claim = kept
                continue
            }
            guard case .joined(let owner, let isTold, let replies) = result else { return (result, claim) }
            await outbox.deliver(repeated: replies)
            guard !isTold || arrival.isRedelivered else { return (result, claim) }
            claim.hasJoined = true
            // A delivery that only waits takes no place from one that works.
            arrival.slot.leave()
            await withTaskGroup { group in
                group.addTask { await runs.waitForEnd(of: owner) }
                group.addTask { await drain.wait() }
                await group.next()
                group.cancelAll()
            }
            // Nothing is begun with less time than a request may take; back in its queue the delivery gets all of it.
            let patience = arrival.deadline - clock.uptime() - configuration.requestTimeout
            guard arrival.lane.gate.admits(arrival.admission), !drain.isDraining, patience >= .zero, !Task.isCancelled,
                await arrival.slot.enter(within: patience, drain)
            else { return (result, claim) }
            claim.now = clock.now()
        }
    }

    private func makeClaim(
        _ arrival: Arrival, _ owner: String, _ progress: Progress, verdict: Verdict?, at now: Timestamp
    ) -> Claim {
        let reply = verdict.map { Reply(to: arrival.job, $0, progress, acceptedAt: now, at: now) }
        var claim = Claim(
            job: arrival.job, fingerprint: arrival.fingerprint, asker: arrival.asker, owner: owner, isLive: runs.isLive, now: now,
            progress: progress,
            reply: reply, entry: HistoryEntry(at: now, .accepted, progress.state.rawValue))
        (claim.messageID, claim.isRedelivered) = (arrival.messageID, arrival.isRedelivered)
        (claim.dueWhenPutBack, claim.longestPauses) = (arrival.dueAt, configuration.policy.longestPauses)
        // What is over already buys nothing.
        if let guardian = configuration.purchaseGuard, !progress.state.isFinal, let key = arrival.job.purchase {
            claim.purchase = Claim.Purchase(key: key, notSince: now + (.zero - guardian.window))
        }
        return claim
    }

    /// The claim of a job that is not sent, because it looks like an earlier one.
    private func keptBack(_ claim: Claim, repeating earlier: String) -> Claim? {
        guard case .recharge(let recharge) = claim.job, let action = configuration.purchaseGuard?.action else { return nil }
        var kept = claim
        let now = clock.moment
        var machine = RechargeMachine(recharge, acceptedAt: now.civil, policy: configuration.policy)
        let verdict = machine.keepBack(repeating: earlier, action, at: now)
        kept.now = now.civil
        kept.progress = machine.progress
        kept.purchase?.notSince = nil
        kept.reply = Reply(to: claim.job, verdict, machine.progress, acceptedAt: now.civil, at: now.civil)
        let event: HistoryEntry.Event = machine.progress.state.isFinal ? .finished : .parked
        kept.entry = HistoryEntry(at: now.civil, event, "\(machine.progress.state.rawValue); same purchase as recharge \(earlier)")
        return kept
    }

    /// The end of a job whose last reply has just been stored, or which is held back.
    func finish(_ record: JobRecord, _ verdict: Verdict?, _ replies: [OutgoingReply]) async -> Settlement {
        if let verdict { tell(record, verdict) }
        await outbox.deliver(new: replies)
        return .ack
    }

    /// - Parameter why: one clause without a subscriber number.
    func leftToPerson(_ record: JobRecord, _ why: String) {
        logger.error("a job is left to a person: bosctl doubts shows it", metadata: record.metadata.merging(["why": "\(why)"]) { $1 })
    }

    func tell(_ record: JobRecord, _ verdict: Verdict) {
        metrics.told(record.job.kind, verdict.outcome, record.job.amount)
        guard verdict.outcome != .succeeded else { return }
        var metadata = record.metadata
        metadata["outcome"] = "\(verdict.outcome.rawValue)"
        if let failure = verdict.failure { metadata["error"] = "\(failure.code.rawValue)" }
        logger.notice("a job did not simply succeed", metadata: metadata)
    }
}

extension JobRecord {
    /// What a log line says of a job: no subscriber number among it.
    var metadata: Logger.Metadata {
        ["kind": "\(job.kind.rawValue)", "reference": "\(job.reference)", "state": "\(progress.state.rawValue)"]
    }
}

extension Step {
    /// The verdict, if the job is over with this step.
    var verdict: Verdict? {
        switch self {
        case .finish(let verdict): verdict
        case .send: nil
        case .ask: nil
        case .wait: nil
        case .park: nil
        case .nothing: nil
        }
    }
}
