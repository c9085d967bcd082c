import AMQP
import Events
import JobModel
import Ledger
import Logging

/// One run of one job. It makes each step that the state machine decides on, and stores the progress before the step.
struct JobRun<Caller: BOSCaller>: ~Copyable {
    private let context: EngineContext
    private let caller: Caller
    private var machine: Caller.Machine
    private let record: JobRecord
    private let owner: String
    private let delivered: DeliveredJob
    private var hasRenewedCredentials = false
    /// The result of the last call, until it is stored in the history.
    private var note = ""
    /// Answers of BOS that are not counted in the ledger yet.
    private var sightings: [CodeSighting] = []

    private var clock: any EngineClock { context.clock }
    /// Until when the delivery may be held, in the clock's uptime.
    private var deadline: Duration { delivered.place.deadline }
    private var traceparent: String? { delivered.recipient?.traceparent ?? record.traceparent }

    /// - Parameters:
    ///   - machine: the state machine after its first step.
    ///   - owner: the run's name in the ledger.
    init(
        _ machine: Caller.Machine, of record: JobRecord, owner: String, caller: Caller, delivered: DeliveredJob, context: EngineContext
    ) {
        self.machine = machine
        self.record = record
        self.owner = owner
        self.caller = caller
        self.delivered = delivered
        self.context = context
        note = machine.remark
    }

    /// Runs until the delivery can be settled.
    /// - Parameter isStored: the first step is stored in the ledger already.
    /// - Returns: the settlement of the delivery.
    mutating func drive(_ first: consuming Step, isStored: Bool) async -> Settlement {
        var step = first
        var isStored = isStored
        context.budget.attempted()
        do throws(RunError) {
            while true {
                switch consume step {
                case .send(let permit):
                    if !isStored { try await store(.sending, detail: permit.proof.rawValue) }
                    step = take(await caller.send(permit, for: machine, options: paymentOptions))
                case .query:
                    // An enquiry can wait for the next start. The end of the process must not wait for it.
                    if context.drain.isDraining, machine.progress.state == .inDoubt {
                        return try await release(.doubt, isEnquiryMade: false)
                    }
                    if !isStored { try await store(machine.progress.state == .inDoubt ? .doubt : .enquired, detail: doubt) }
                    step = take(await caller.enquire(for: machine, options: enquiryOptions))
                case .wait(let reason):
                    if let end = try await wait(reason) { return end }
                    step = machine.wake(at: clock.moment, jitter: clock.jitter())
                    note = machine.remark
                case .park: return try await park()
                case .finish(let verdict): return try await finish(verdict)
                case .nothing: return .ack
                }
                isStored = false
            }
        } catch {
            return settlement(for: error)
        }
    }

    private mutating func take(_ report: CallReport<Caller.Machine.Event>) -> Step {
        let before = machine.progress
        let step = machine.on(report.event, at: clock.moment, jitter: clock.jitter())
        if let sighting = report.sighting { sightings.append(sighting) }
        if let meaning = meaning(of: report.sighting, after: before, verdict: step.verdict) { sightings.append(meaning) }
        note = clauses(report.note, and: machine.remark)
        return step
    }

    /// What an answer to a recharge turned out to mean, once the recharge is over or sent again.
    /// - Parameters:
    ///   - sighting: the answer that came now.
    ///   - before: the progress before that answer.
    private func meaning(of sighting: CodeSighting?, after before: Progress, verdict: Verdict?) -> CodeSighting? {
        if let answer = before.doubtfulAnswer {
            if let verdict { return CodeSighting(.recharge, answer: answer, afterwards: verdict.outcome) }
            return machine.progress.resendings > before.resendings ? CodeSighting(.recharge, answer: answer, afterwards: .notFound) : nil
        }
        guard let verdict, var sighting, sighting.name.endpoint == .recharge else { return nil }
        sighting.afterwards = verdict.outcome
        return sighting
    }

    /// A recharge is sent only if the whole `requestTimeout` is left, and not after the job's deadline. Both are checked directly before the request
    /// leaves, because a slow commit, the rate limit or a token may have taken time.
    private var paymentOptions: CallOptions {
        let (clock, deadline, timeout, expiresAt) = (clock, deadline, context.configuration.requestTimeout, record.job.expiresAt)
        return CallOptions(traceparent: traceparent, timeout: timeout) {
            clock.uptime() + timeout <= deadline && expiresAt.map { clock.now() <= $0 } != false
        }
    }

    private var enquiryOptions: CallOptions {
        let remaining = max(.seconds(1), deadline - clock.uptime())
        return CallOptions(traceparent: traceparent, timeout: min(context.configuration.requestTimeout, remaining))
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

/// Both clauses, with a semicolon between them. Either of them may be empty.
private func clauses(_ first: String, and second: String) -> String {
    if first.isEmpty { return second }
    return second.isEmpty ? first : "\(first); \(second)"
}

/// One step as it is stored in the ledger and in the job's history.
private struct StoredStep {
    var event: HistoryEntry.Event
    /// One clause for the history. The result of the last call is added to it.
    var detail: String
    var progress: Progress
    /// The reply to the job's recipients. `nil` if this step has none.
    var verdict: Verdict?
    /// Whether the run continues.
    var keepsOwnership: Bool

    init(_ event: HistoryEntry.Event, detail: String, progress: Progress, verdict: Verdict? = nil, keepsOwnership: Bool = false) {
        self.event = event
        self.detail = detail
        self.progress = progress
        self.verdict = verdict
        self.keepsOwnership = keepsOwnership
    }
}

extension JobRun {
    /// Stores the machine's progress. The run continues.
    private mutating func store(_ event: HistoryEntry.Event, detail: String) async throws(RunError) {
        _ = try await store(StoredStep(event, detail: detail, progress: machine.progress, keepsOwnership: true))
    }

    /// - Returns: the stored replies that have to be published now.
    private mutating func store(_ step: StoredStep) async throws(RunError) -> [OutgoingReply] {
        let now = clock.now()
        let reply = step.verdict.map { Reply(to: record.job, verdict: $0, progress: step.progress, acceptedAt: record.acceptedAt, at: now) }
        let explanation = clauses(step.detail, and: note)
        var update = Update(
            jobID: record.id, owner: owner, progress: step.progress, reply: reply, keepsOwnership: step.keepsOwnership,
            entry: HistoryEntry(at: now, step.event, detail: explanation))
        update.sightings = sightings
        switch try await commit(update) {
        case .stored(let replies):
            note = ""
            sightings = []
            return replies
        case .lost: throw .lost
        }
    }

    private func commit(_ update: Update) async throws(RunError) -> UpdateResult {
        while true {
            do throws(LedgerError) {
                return try await context.ledger.update(update)
            } catch {
                // One unreadable row is no reason to stop other jobs.
                if case .unreadable = error { throw .ledger(error) }
                // The answer of BOS must not be lost. The disk may have room again before the delivery has to be requeued.
                await context.lanes.close(.ledger, detail: "\(error)")
                guard error.isRecoverable, !context.drain.isDraining, clock.uptime() + .seconds(2) < deadline else {
                    throw .ledger(error)
                }
                await context.drain.sleep(for: .milliseconds(500), on: clock)
            }
        }
    }

    /// The settlement after a run that could not store its progress. The ledger may lag behind what happened, and is never ahead of it.
    private func settlement(for error: RunError) -> Settlement {
        switch error {
        case .lost:
            context.logger.log(.jobLost, metadata: record.metadata)
            return .ack
        case .ledger: return .requeue
        }
    }

    private mutating func finish(_ verdict: Verdict) async throws(RunError) -> Settlement {
        let replies = try await store(
            StoredStep(.finished, detail: verdict.outcome.rawValue, progress: machine.progress, verdict: verdict))
        return await context.finish(record, verdict: verdict, replies: replies)
    }
}

// MARK: - Waiting

extension JobRun {
    /// Waits here if the wait is short, and otherwise ends the run.
    /// - Returns: the settlement of the delivery, or `nil` if the run continues.
    private mutating func wait(_ reason: WaitReason) async throws(RunError) -> Settlement? {
        context.metrics.waited(record.job.kind, for: reason)
        if reason == .credentialsRefused { return try await renewCredentials() }
        let delay = max(.zero, (machine.progress.dueAt ?? clock.now()) - clock.now())
        if mayWaitHere(reason, for: delay) {
            try await store(.waiting, detail: reason.rawValue)
            await context.drain.sleep(for: delay, on: clock)
            if !context.drain.isDraining { return nil }
        }
        // The end of the process is no result of the job. Its next delivery continues it.
        return context.drain.isDraining && reason != .panPending ? try await release(reason) : try await deferJob(reason)
    }

    /// Refused credentials stop every job. This run tries once more with newer credentials if there are any.
    private mutating func renewCredentials() async throws(RunError) -> Settlement? {
        if !hasRenewedCredentials {
            hasRenewedCredentials = true
            if await context.gateway.renewCredentials() { return nil }
        }
        let cause = note
        let settlement = try await release(.credentialsRefused)
        await context.lanes.close(.credentials, detail: ConsumptionGate.refusedCredentials(cause))
        return settlement
    }

    /// Whether the run waits here, without the ledger and the poller. A wait of seconds does, if the delivery's time and the retry budget allow it.
    private func mayWaitHere(_ reason: WaitReason, for delay: Duration) -> Bool {
        guard !context.drain.isDraining, delay <= context.configuration.longestWait, delivered.place.lane.isFit,
            clock.uptime() + delay + timeNeeded <= deadline
        else { return false }
        switch reason {
        case .panPending, .breakerOpen, .operatorHold, .credentialsRefused, .ownCredentialsRefused, .postponed, .late: return false
        // The next enquiry about a refused recharge comes after its window. Until then the recharge must not occupy a slot.
        case .doubt: return machine.progress.doubt != .refused
        case .notSent, .throttled, .unanswered:
            return machine.progress.failures < context.configuration.policy.attempts && context.budget.mayRetry()
        }
    }

    /// How much time the next call needs. A recharge needs the whole `requestTimeout`: with less, a normal answer could come too late and leave a
    /// doubt.
    private var timeNeeded: Duration {
        let movesMoney = record.job.kind == .recharge && machine.progress.state == .accepted
        return movesMoney ? context.configuration.requestTimeout : .seconds(1)
    }

    /// Stores the job until it is due, and publishes what is known to its recipients.
    private mutating func deferJob(_ reason: WaitReason) async throws(RunError) -> Settlement {
        try await end(.waiting, detail: reason.rawValue)
    }

    /// Stores the job for a person's decision, and publishes what is known to its recipients.
    private mutating func park() async throws(RunError) -> Settlement {
        context.logNeedsPerson(record, reason: note)
        return try await end(.parked, detail: doubt)
    }

    private mutating func end(_ event: HistoryEntry.Event, detail: String) async throws(RunError) -> Settlement {
        let verdict = machine.takeInterimVerdict()
        let replies = try await store(StoredStep(event, detail: detail, progress: machine.progress, verdict: verdict))
        if let verdict { context.recordOutcome(verdict, of: record) }
        await context.outbox.deliver(new: replies)
        return .ack
    }

    /// Puts the job back on its queue, because the reason would stop every other job too, or because the process ends.
    /// - Parameter isEnquiryMade: after `false` the enquiry that the machine has counted is not made, so the count is corrected.
    private mutating func release(_ reason: WaitReason, isEnquiryMade: Bool = true) async throws(RunError) -> Settlement {
        var progress = machine.progress
        if !isEnquiryMade { progress.enquiries = max(0, progress.enquiries - 1) }
        // Without a due time the job is due at its next delivery. After the clock was set back a due time could lie in the future, and that
        // delivery would be acknowledged without work.
        progress.dueAt = nil
        _ = try await store(StoredStep(.released, detail: reason.rawValue, progress: progress))
        return .requeue
    }
}
