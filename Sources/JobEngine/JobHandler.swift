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
    let gate: ConsumptionGate
    let drain: DrainSignal
    let runs: LiveRuns
    let clock: any EngineClock
    let metrics: EngineMetrics
    let logger: Logger

    package init(
        configuration: EngineConfiguration, ledger: any Ledger, gateway: any BOSGateway, outbox: Outbox, gate: ConsumptionGate,
        drain: DrainSignal, runs: LiveRuns, clock: any EngineClock, metrics: EngineMetrics, logger: Logger
    ) {
        self.configuration = configuration
        self.ledger = ledger
        self.gateway = gateway
        self.outbox = outbox
        self.gate = gate
        self.drain = drain
        self.runs = runs
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
    }

    /// Works on one delivery until it can be let go of, and lets go of it: the last thing that happens to it.
    package func handle(_ delivery: Delivery) async {
        switch await settle(delivery) {
        case .ack: delivery.ack()
        case .requeue: delivery.requeue()
        case .reject: delivery.reject()
        }
    }

    private func settle(_ delivery: Delivery) async -> Settlement {
        // Taken before the gate closed, not begun: better in its queue than begun in vain.
        guard gate.isOpen, !drain.isDraining else { return .requeue }
        let incoming = IncomingJob(delivery)
        let job: Job
        do {
            job = try incoming.decode(configuration.rules)
        } catch {
            return await refuse(incoming, delivery, error)
        }
        metrics.began(job.kind)
        defer { metrics.ended(job.kind) }
        // A reference was read, so there is a name to answer under.
        let asker = incoming.asker(reference: job.reference) ?? Asker(correlationID: job.reference)
        let policy = configuration.policy
        let result: RunResult =
            switch job {
            case .recharge(let recharge):
                await run(job, asker, RechargeCaller(gateway: gateway), RechargeMachine(recharge, policy: policy)) { record in
                    guard case .recharge(let recharge) = record.job else { return nil }
                    return RechargeMachine(recharge, record.progress, policy: policy)
                }
            case .rechargeStatus(let query):
                await run(job, asker, RechargeStatusCaller(gateway: gateway), RechargeStatusMachine(query, policy: policy)) { record in
                    guard case .rechargeStatus(let query) = record.job else { return nil }
                    return RechargeStatusMachine(query, record.progress, policy: policy)
                }
            case .panStatus(let query):
                await run(
                    job, asker, PANStatusCaller(gateway: gateway),
                    PANStatusMachine(query, acceptedAt: clock.now(), policy: policy)
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
                kind: job.kind,
                reference: job.reference)
            return await refuse(incoming, delivery, refusal)
        }
    }

    private enum RunResult {
        case settled(Settlement)
        case conflict
    }

    /// Claims the job and, if it is ours to work on, runs it.
    /// - Parameter restore: the machine of a job that the ledger knows; `nil` if the record is of another kind.
    private func run<Caller: BOSCaller>(
        _ job: Job, _ asker: Asker, _ caller: Caller, _ fresh: Caller.Machine, restore: (JobRecord) -> Caller.Machine?
    ) async -> RunResult {
        let owner = runs.begin()
        defer { runs.end(owner) }
        let deadline = clock.uptime() + configuration.deliveryTimeout - configuration.confirmTimeout
        var machine = fresh
        let now = clock.now()
        let first = machine.wake(at: now, jitter: clock.jitter())
        let claim = makeClaim(job, asker, owner, machine.progress, verdict: first.verdict, at: now)
        func makeRun(_ machine: Caller.Machine, _ record: JobRecord) -> JobRun<Caller> {
            JobRun(
                handler: self, caller: caller, machine: machine, record: record, owner: owner, traceparent: asker.traceparent,
                deadline: deadline)
        }
        do {
            let (result, hasJoined) = try await claimed(claim, until: deadline)
            switch result {
            case .new(let record, let replies) where machine.progress.state.isFinal:
                return .settled(await finish(record, machine.progress, first.verdict, replies))
            case .new(let record, _):
                var run = makeRun(machine, record)
                return .settled(await run.drive(first, isStored: true))
            case .resumed(let record):
                guard var machine = restore(record) else { return .settled(.reject) }
                let step = machine.wake(at: clock.now(), jitter: clock.jitter())
                logger.info("a job goes on", metadata: record.metadata)
                var run = makeRun(machine, record)
                return .settled(await run.drive(step, isStored: false))
            case .joined: return .settled(.requeue)
            case .waiting(let replies), .answered(let replies):
                // Whoever joined a run is among those that the run has answered.
                if !hasJoined { await outbox.deliver(replies) }
                return .settled(.ack)
            case .conflict: return .conflict
            }
        } catch {
            await gate.close(.ledger, "\(error)")
            return .settled(.requeue)
        }
    }

    /// Claims the job. While another run works on it this delivery is kept: should that run have lost its own and end without a
    /// result, nobody else would bring the job back. `.joined` only if nothing may be begun now.
    private func claimed(_ claim: Claim, until deadline: Duration) async throws(LedgerError) -> (ClaimResult, hasJoined: Bool) {
        var claim = claim
        var hasJoined = false
        while true {
            let result = try await ledger.claim(claim)
            guard case .joined(let owner) = result else { return (result, hasJoined) }
            hasJoined = true
            await withTaskGroup { group in
                group.addTask { await runs.waitForEnd(of: owner) }
                group.addTask { await drain.wait() }
                await group.next()
                group.cancelAll()
            }
            // Nothing is begun with less time than a request may take; back in its queue the delivery gets all of it.
            let isLate = clock.uptime() + configuration.requestTimeout > deadline
            guard gate.isOpen, !drain.isDraining, !isLate, !Task.isCancelled else { return (result, hasJoined) }
            claim.now = clock.now()
        }
    }

    private func makeClaim(
        _ job: Job, _ asker: Asker, _ owner: String, _ progress: Progress, verdict: Verdict?, at now: Timestamp
    ) -> Claim {
        let reply = verdict.map { Reply(to: job, $0, progress, acceptedAt: now, at: now) }
        return Claim(
            job: job, fingerprint: job.fingerprint, asker: asker, owner: owner, isLive: runs.isLive, now: now, progress: progress,
            reply: reply, entry: HistoryEntry(at: now, .accepted, progress.state.rawValue))
    }

    /// The end of a job whose last reply has just been stored.
    func finish(_ record: JobRecord, _ progress: Progress, _ verdict: Verdict?, _ replies: [OutgoingReply]) async -> Settlement {
        if let verdict { tell(record, verdict) }
        await outbox.deliver(replies)
        return .ack
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
        case .nothing: nil
        }
    }
}
