import AMQP
import JobModel
import Ledger
import Logging

/// One run of one job: takes each step that its state machine asks for, and stores its progress before it does.
struct JobRun<Caller: BOSCaller>: ~Copyable {
    let handler: JobHandler
    let caller: Caller
    var machine: Caller.Machine
    let record: JobRecord
    let owner: String
    let traceparent: String?
    /// Until when, in the clock's uptime, the delivery may be held.
    let deadline: Duration
    private var hasRenewedCredentials = false

    private var clock: any EngineClock { handler.clock }

    init(
        handler: JobHandler, caller: Caller, machine: Caller.Machine, record: JobRecord, owner: String, traceparent: String?,
        deadline: Duration
    ) {
        self.handler = handler
        self.caller = caller
        self.machine = machine
        self.record = record
        self.owner = owner
        self.traceparent = traceparent
        self.deadline = deadline
    }

    /// Runs until the delivery can be let go of.
    /// - Parameter isStored: the first step is in the ledger already.
    mutating func drive(_ first: consuming Step, isStored: Bool) async -> Settlement {
        var step = first
        var isStored = isStored
        do throws(RunError) {
            while true {
                switch consume step {
                case .send(let permit):
                    if !isStored { try await store(.sending, permit.proof.rawValue) }
                    let event = await caller.send(permit, machine, call)
                    step = machine.on(event, at: clock.now(), jitter: clock.jitter())
                case .ask:
                    // An enquiry can wait for the next start; the process cannot wait for it.
                    if handler.drain.isDraining, machine.progress.state == .inDoubt { return try await release(nil, .doubt) }
                    if !isStored { try await store(machine.progress.state == .inDoubt ? .doubt : .enquired, doubt) }
                    let event = await caller.ask(machine, call)
                    step = machine.on(event, at: clock.now(), jitter: clock.jitter())
                case .wait(let reason):
                    if let end = try await wait(reason) { return end }
                    step = machine.wake(at: clock.now(), jitter: clock.jitter())
                case .finish(let verdict): return try await finish(verdict)
                case .nothing: return .ack
                }
                isStored = false
            }
        } catch {
            return give(error)
        }
    }

    private var call: CallOptions {
        let remaining = max(.seconds(1), deadline - clock.uptime())
        return CallOptions(traceparent: traceparent, timeout: min(handler.configuration.requestTimeout, remaining))
    }

    private var doubt: String { machine.progress.doubt?.rawValue ?? "" }
}

// MARK: - Storing

/// Why a run ends before its job does.
private enum RunError: Error {
    case ledger(LedgerError)
    /// Another run owns the job now and will answer.
    case lost
}

extension JobRun {
    private func store(_ event: HistoryEntry.Event, _ detail: String) async throws(RunError) {
        _ = try await update(machine.progress, nil, keepsOwnership: true, event, detail)
    }

    private func update(
        _ progress: Progress, _ verdict: Verdict?, keepsOwnership: Bool, _ event: HistoryEntry.Event, _ detail: String
    ) async throws(RunError) -> [OutgoingReply] {
        let now = clock.now()
        let reply = verdict.map { Reply(to: record.job, $0, progress, acceptedAt: record.acceptedAt, at: now) }
        let update = Update(
            jobID: record.id, owner: owner, progress: progress, reply: reply, keepsOwnership: keepsOwnership,
            entry: HistoryEntry(at: now, event, detail))
        switch try await stored(update) {
        case .stored(let replies): return replies
        case .lost: throw .lost
        }
    }

    private func stored(_ update: Update) async throws(RunError) -> UpdateResult {
        while true {
            do throws(LedgerError) {
                return try await handler.ledger.update(update)
            } catch {
                // What BOS answered is worth keeping: there may be room on the disk again before the delivery has to go back.
                await handler.gate.close(.ledger, "\(error)")
                guard error.isRecoverable, !handler.drain.isDraining, clock.uptime() + .seconds(2) < deadline else {
                    throw .ledger(error)
                }
                await handler.drain.sleep(for: .milliseconds(500), on: clock)
            }
        }
    }

    /// The end of a run that could not store its progress. What the ledger holds is older than the truth, never ahead of it.
    private func give(_ error: RunError) -> Settlement {
        switch error {
        case .lost:
            handler.logger.notice("a job is run by another now", metadata: record.metadata)
            return .ack
        case .ledger: return .requeue
        }
    }

    private func finish(_ verdict: Verdict) async throws(RunError) -> Settlement {
        let replies = try await update(machine.progress, verdict, keepsOwnership: false, .finished, verdict.outcome.rawValue)
        return await handler.finish(record, machine.progress, verdict, replies)
    }
}

// MARK: - Waiting

extension JobRun {
    /// Waits here if it is short, else ends the run. Returns how to let go of the delivery, or `nil` if the job goes on.
    private mutating func wait(_ reason: WaitReason) async throws(RunError) -> Settlement? {
        handler.metrics.waited(record.job.kind, reason)
        if reason == .credentialsRefused {
            guard hasRenewedCredentials else {
                hasRenewedCredentials = true
                if await handler.gateway.renewCredentials() { return nil }
                return try await release(.credentials, reason)
            }
            return try await release(.credentials, reason)
        }
        if reason != .panPending, !handler.drain.isDraining, !hasTriedEnough(reason) {
            let delay = max(.zero, (machine.progress.dueAt ?? clock.now()) - clock.now())
            if clock.uptime() + delay + timeNeeded <= deadline {
                try await store(.waiting, reason.rawValue)
                await handler.drain.sleep(for: delay, on: clock)
                if !handler.drain.isDraining { return nil }
            }
        }
        return try await end(reason)
    }

    /// How much time there must be for the next call. Money is only sent with all the time a request may take: with less, a healthy
    /// answer could come too late and leave a doubt.
    private var timeNeeded: Duration {
        let movesMoney = record.job.kind == .recharge && machine.progress.state == .accepted
        return movesMoney ? handler.configuration.requestTimeout : .seconds(1)
    }

    /// A BOS that cannot be reached is every job's trouble: trying on with each of them would only hold their deliveries.
    private func hasTriedEnough(_ reason: WaitReason) -> Bool {
        switch reason {
        case .notSent, .throttled: machine.progress.failures >= handler.configuration.policy.attempts
        case .credentialsRefused, .doubt, .unanswered, .panPending: false
        }
    }

    /// The job cannot go on in this delivery's time.
    private mutating func end(_ reason: WaitReason) async throws(RunError) -> Settlement {
        switch reason {
        case .panPending: return try await setAside(reason)
        case .doubt where !handler.drain.isDraining: return try await setAside(reason)
        case .notSent where !handler.drain.isDraining: return try await release(.bos, reason)
        case .throttled where !handler.drain.isDraining: return try await release(.bos, reason)
        // One question that BOS cannot answer says nothing about the others, and the end of the process nothing about BOS.
        case .doubt, .notSent, .throttled, .credentialsRefused: return try await release(nil, reason)
        case .unanswered:
            // Held until its time is over, so that it does not come back at once and again and again.
            await handler.drain.sleep(for: max(.zero, deadline - clock.uptime() - .seconds(1)), on: clock)
            return try await release(nil, reason)
        }
    }

    /// Leaves the job to the ledger until it is due, and tells its askers what is known.
    private mutating func setAside(_ reason: WaitReason) async throws(RunError) -> Settlement {
        let verdict = machine.setAside()
        let replies = try await update(machine.progress, verdict, keepsOwnership: false, .waiting, reason.rawValue)
        if let verdict { handler.tell(record, verdict) }
        await handler.outbox.deliver(replies)
        return .ack
    }

    /// Puts the job back on its queue: what stops it would stop every other one too, or the process ends.
    private func release(_ pause: PauseReason?, _ reason: WaitReason) async throws(RunError) -> Settlement {
        var progress = machine.progress
        let pauseLength = max(.zero, (progress.dueAt ?? clock.now()) - clock.now())
        // Due whenever it is delivered again: a moment would be in the future after a clock was set back, and the delivery let go of.
        progress.dueAt = nil
        progress.failures = 0
        _ = try await update(progress, nil, keepsOwnership: false, .released, reason.rawValue)
        if let pause { await handler.gate.close(pause, pauseDetail(reason), atLeast: pauseLength) }
        return .requeue
    }

    private func pauseDetail(_ reason: WaitReason) -> String {
        switch reason {
        case .credentialsRefused: "BOS refuses our token or signature (code 15 or 16): check the auth settings"
        case .notSent: "BOS cannot be reached: check api.baseURL and the network"
        case .throttled: "BOS takes no more requests (429)"
        case .unanswered, .doubt, .panPending: "BOS gives no usable answers"
        }
    }
}
