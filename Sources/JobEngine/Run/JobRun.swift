import AMQP
import Events
import JobModel
import Ledger
import Logging

/// One run of one job. It takes each step that the state machine asks for, and stores the progress before the step.
struct JobRun<Caller: BOSCaller>: ~Copyable {
    private let context: EngineContext
    private let caller: Caller
    private var machine: Caller.Machine
    private let record: JobRecord
    private let owner: String
    private let delivered: DeliveredJob
    private var hasRenewedCredentials = false
    /// What came of the last call, until the history has it.
    private var note = ""
    /// Answers of BOS that the ledger has not counted yet.
    private var sightings: [CodeSighting] = []

    private var clock: any EngineClock { context.clock }
    /// Until when, in the clock's uptime, the delivery may be held.
    private var deadline: Duration { delivered.place.deadline }
    private var traceparent: String? { delivered.asker?.traceparent ?? record.traceparent }

    /// - Parameters:
    ///   - machine: as it is after its first step.
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

    /// Runs until the delivery can be let go of.
    /// - Parameter isStored: the first step is in the ledger already.
    mutating func drive(_ first: consuming Step, isStored: Bool) async -> Settlement {
        var step = first
        var isStored = isStored
        context.budget.attempted()
        do throws(RunError) {
            while true {
                switch consume step {
                case .send(let permit):
                    if !isStored { try await store(.sending, detail: permit.proof.rawValue) }
                    step = take(await caller.send(permit, for: machine, callThatMovesMoney))
                case .ask:
                    // An enquiry can wait for the next start; the process cannot wait for it.
                    if context.drain.isDraining, machine.progress.state == .inDoubt { return try await release(.doubt, isAsked: false) }
                    if !isStored { try await store(machine.progress.state == .inDoubt ? .doubt : .enquired, detail: doubt) }
                    step = take(await caller.ask(for: machine, call))
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
        if let meaning = meaning(report.sighting, before, step.verdict) { sightings.append(meaning) }
        note = [report.note, machine.remark].filter { !$0.isEmpty }.joined(separator: "; ")
        return step
    }

    /// What became of a recharge tells what the answer meant that BOS had given to it.
    /// - Parameters:
    ///   - heard: the answer of now.
    ///   - before: the progress before it.
    private func meaning(_ heard: CodeSighting?, _ before: Progress, _ verdict: Verdict?) -> CodeSighting? {
        if let answer = before.doubtfulAnswer {
            if let verdict { return CodeSighting(.recharge, answer: answer, afterwards: verdict.outcome) }
            return machine.progress.resendings > before.resendings ? CodeSighting(.recharge, answer: answer, afterwards: .notFound) : nil
        }
        guard let verdict, var sighting = heard, sighting.name.endpoint == .recharge else { return nil }
        sighting.afterwards = verdict.outcome
        return sighting
    }

    /// Money is sent with all the time that a request may take, and not after the job's deadline. That is looked at directly before the call:
    /// a slow commit, the rate or a token can have taken the time.
    private var callThatMovesMoney: CallOptions {
        let (clock, deadline, timeout, expiresAt) = (clock, deadline, context.configuration.requestTimeout, record.job.expiresAt)
        return CallOptions(traceparent: traceparent, timeout: timeout) {
            clock.uptime() + timeout <= deadline && expiresAt.map { clock.now() <= $0 } != false
        }
    }

    private var call: CallOptions {
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

/// One step as the ledger and the job's history get it.
private struct StoredStep {
    var event: HistoryEntry.Event
    /// One clause for the history, beside what came of the last call.
    var detail: String
    var progress: Progress
    /// What the job's requesters are told with this step.
    var verdict: Verdict?
    /// Whether the run goes on.
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
    /// Stores the machine's progress; the run goes on.
    private mutating func store(_ event: HistoryEntry.Event, detail: String) async throws(RunError) {
        _ = try await store(StoredStep(event, detail: detail, progress: machine.progress, keepsOwnership: true))
    }

    /// - Returns: the replies that the broker has to be given now.
    private mutating func store(_ step: StoredStep) async throws(RunError) -> [OutgoingReply] {
        let now = clock.now()
        let reply = step.verdict.map { Reply(to: record.job, verdict: $0, progress: step.progress, acceptedAt: record.acceptedAt, at: now) }
        let explanation = [step.detail, note].filter { !$0.isEmpty }.joined(separator: "; ")
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
                // One row that cannot be read is no reason to stop the others.
                if case .unreadable = error { throw .ledger(error) }
                // What BOS answered is worth keeping: there may be room on the disk again before the delivery has to go back.
                await context.lanes.close(.ledger, detail: "\(error)")
                guard error.isRecoverable, !context.drain.isDraining, clock.uptime() + .seconds(2) < deadline else {
                    throw .ledger(error)
                }
                await context.drain.sleep(for: .milliseconds(500), on: clock)
            }
        }
    }

    /// The end of a run that could not store its progress. What the ledger holds is older than the truth, never ahead of it.
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
    /// Waits here if it is short, else ends the run. Returns how to let go of the delivery, or `nil` if the job goes on.
    private mutating func wait(_ reason: WaitReason) async throws(RunError) -> Settlement? {
        context.metrics.waited(record.job.kind, for: reason)
        if reason == .credentialsRefused { return try await renewCredentials() }
        let delay = max(.zero, (machine.progress.dueAt ?? clock.now()) - clock.now())
        if mayWaitHere(reason, for: delay) {
            try await store(.waiting, detail: reason.rawValue)
            await context.drain.sleep(for: delay, on: clock)
            if !context.drain.isDraining { return nil }
        }
        // The end of the process says nothing about BOS: its job goes on wherever its delivery goes.
        return context.drain.isDraining && reason != .panPending ? try await release(reason) : try await setAside(reason)
    }

    /// The refusal of our credentials stops every job. This one tries once more with newer ones, if there are any.
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

    /// A wait of seconds is not worth a way through the ledger, if the delivery's time and the budget for retries allow it.
    private func mayWaitHere(_ reason: WaitReason, for delay: Duration) -> Bool {
        guard !context.drain.isDraining, delay <= context.configuration.longestWait, delivered.place.lane.isFit,
            clock.uptime() + delay + timeNeeded <= deadline
        else { return false }
        switch reason {
        case .panPending, .breakerOpen, .credentialsRefused, .ownCredentialsRefused, .postponed, .late: return false
        // What was refused is asked about again after its window: until then it takes no place from others.
        case .doubt: return machine.progress.doubt != .refused
        case .notSent, .throttled, .unanswered:
            return machine.progress.failures < context.configuration.policy.attempts && context.budget.mayRetry()
        }
    }

    /// How much time there must be for the next call. Money is only sent with all the time a request may take: with less, a healthy
    /// answer could come too late and leave a doubt.
    private var timeNeeded: Duration {
        let movesMoney = record.job.kind == .recharge && machine.progress.state == .accepted
        return movesMoney ? context.configuration.requestTimeout : .seconds(1)
    }

    /// Leaves the job to the ledger until it is due, and tells its askers what is known.
    private mutating func setAside(_ reason: WaitReason) async throws(RunError) -> Settlement {
        try await leave(.waiting, detail: reason.rawValue)
    }

    /// Leaves the job to a person, and tells its askers what is known.
    private mutating func park() async throws(RunError) -> Settlement {
        context.leftToPerson(record, reason: note)
        return try await leave(.parked, detail: doubt)
    }

    private mutating func leave(_ event: HistoryEntry.Event, detail: String) async throws(RunError) -> Settlement {
        let verdict = machine.setAside()
        let replies = try await store(StoredStep(event, detail: detail, progress: machine.progress, verdict: verdict))
        if let verdict { context.recordOutcome(verdict, of: record) }
        await context.outbox.deliver(new: replies)
        return .ack
    }

    /// Puts the job back on its queue: what stops it would stop every other one too, or the process ends.
    /// - Parameter isAsked: `false`: the enquiry that the machine has counted is not made.
    private mutating func release(_ reason: WaitReason, isAsked: Bool = true) async throws(RunError) -> Settlement {
        var progress = machine.progress
        if !isAsked { progress.enquiries = max(0, progress.enquiries - 1) }
        // Due whenever it is delivered again: a moment would be in the future after a clock was set back, and the delivery let go of.
        progress.dueAt = nil
        _ = try await store(StoredStep(.released, detail: reason.rawValue, progress: progress))
        return .requeue
    }
}
