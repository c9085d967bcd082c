import AMQP
import JobEngine
import JobModel
import Ledger
import Synchronization

/// One process with its ways out to the world. A crash cuts them all at once: what the process does from then on has no effect.
final class Process: Sendable {
    let name: String
    private let world: World
    private let ledger: MemoryLedger
    private let broker: ModelBroker
    private let bos: ModelBOS
    private let audit: Audit
    private let alive = Atomic(true)
    private let onCrash = Signal()

    init(_ name: String, _ world: World, _ ledger: MemoryLedger, _ broker: ModelBroker, _ bos: ModelBOS, _ audit: Audit) {
        self.name = name
        self.world = world
        self.ledger = ledger
        self.broker = broker
        self.bos = bos
        self.audit = audit
    }

    var isAlive: Bool { alive.load(ordering: .relaxed) }

    func crash() {
        guard alive.exchange(false, ordering: .relaxed) else { return }
        world.note("\(name) crashes")
        broker.lose(name)
        onCrash.pulse()
    }

    /// Returns when the process is dead, or the task is cancelled.
    func whenDead() async { while isAlive, !Task.isCancelled { await onCrash.wait() } }

    /// A moment at which the process may die. `false` if it is dead.
    private func survives() -> Bool {
        if isAlive, world.strikes(world.weather.crash) { crash() }
        return isAlive
    }
}

// MARK: - Ledger

extension Process: Ledger {
    private func write<Value>(_ what: String, _ body: () async throws(LedgerError) -> Value) async throws(LedgerError) -> Value {
        await world.sleep(Int64(world.number(0...5)))
        guard survives() else { throw .closed }
        if world.strikes(world.weather.ledgerTrouble) { throw .diskFull("simulated") }
        let value = try await body()
        audit.compare(ledger.records, bos.books)
        world.note("\(name) stored \(what)")
        await world.sleep(Int64(world.number(0...5)))
        // What was stored is stored, whether the process lives to hear of it or not.
        guard survives() else { throw .closed }
        return value
    }

    func claim(_ claim: Claim) async throws(LedgerError) -> ClaimResult {
        var claim = claim
        if world.bug == .intentNotStored, claim.progress.state == .sending {
            (claim.progress.state, claim.progress.attempts, claim.progress.firstSentAt) = (.accepted, 0, nil)
        }
        if world.bug == .messageForgotten { claim.messageID = nil }
        if world.bug == .purchaseUnguarded { claim.purchase?.notSince = nil }
        let job = claim.job
        if world.bug == .paisaLost, case .recharge(var recharge) = job {
            recharge.amount = Money(paise: recharge.amount.paise - 1)
            claim.job = .recharge(recharge)
        }
        let stored = claim
        return try await write("claim of \(claim.job.reference)") { () async throws(LedgerError) in
            let result = try await ledger.claim(stored)
            if case .new = result { audit.accepted(job) }
            return result
        }
    }

    func update(_ update: Update) async throws(LedgerError) -> UpdateResult {
        if world.bug == .replyBeforeVerdict, let reply = update.reply, let record = try await ledger.jobs(withID: update.jobID) {
            let early = OutgoingReply(reply, to: Asker(correlationID: "\(record.job.reference)/0"), of: record, body: reply.body)
            var properties = Properties()
            (properties.correlationID, properties.messageID) = (early.asker.correlationID, early.messageID)
            broker.keep(.init(message: Message(body: early.body, properties: properties), exchange: "bos.replies", routingKey: "early"))
        }
        return try await write("update of job \(update.jobID): \(update.entry.event.rawValue) \(update.progress.state.rawValue)") {
            () async throws(LedgerError) in try await ledger.update(update)
        }
    }

    func markPublished(_ ids: [OutgoingReply.ID]) async throws(LedgerError) {
        try await write("\(ids.count) published marks") { () async throws(LedgerError) in try await ledger.markPublished(ids) }
    }

    func takeDue(_ request: DueRequest) async throws(LedgerError) -> DueBatch {
        var request = request
        if world.bug == .leaseNeverExpires { request.leaseEnd = request.now + .seconds(1_000_000_000) }
        let asked = request
        return try await write("leases") { () async throws(LedgerError) in try await ledger.takeDue(asked) }
    }

    func bringForward(at now: Timestamp, _ longest: LongestPauses) async throws(LedgerError) -> Int {
        if world.bug == .leaseNeverExpires { return 0 }
        return try await write("what is due too far ahead") { () async throws(LedgerError) in
            try await ledger.bringForward(at: now, longest)
        }
    }

    func unreadable(limit: Int) async throws(LedgerError) -> [UnreadableRow] { [] }

    func markRequeued(_ jobs: [DueJob], at now: Timestamp) async throws(LedgerError) {
        try await write("\(jobs.count) requeued marks") { () async throws(LedgerError) in try await ledger.markRequeued(jobs, at: now) }
    }

    func unpublishedReplies(after id: OutgoingReply.ID?, limit: Int) async throws(LedgerError) -> OwedReplies {
        guard isAlive else { throw .closed }
        return try await ledger.unpublishedReplies(after: id, limit: limit)
    }

    func lastUnpublishedReply() async throws(LedgerError) -> OutgoingReply.ID? {
        guard isAlive else { throw .closed }
        return try await ledger.lastUnpublishedReply()
    }

    func jobs(_ kind: JobKind, in state: JobState, limit: Int) async throws(LedgerError) -> [JobRecord] {
        try await ledger.jobs(kind, in: state, limit: limit)
    }

    func job(_ kind: JobKind, _ reference: String) async throws(LedgerError) -> (record: JobRecord, history: [HistoryEntry])? {
        try await ledger.job(kind, reference)
    }

    func lastExecuted(sentTo destination: String) async throws(LedgerError) -> JobRecord? {
        try await ledger.lastExecuted(sentTo: destination)
    }

    func doubtsSentElsewhere(than destination: String) async throws(LedgerError) -> DoubtTotal {
        try await ledger.doubtsSentElsewhere(than: destination)
    }

    func codes() async throws(LedgerError) -> [CodeCount] { try await ledger.codes() }

    func summary() async throws(LedgerError) -> LedgerSummary { try await ledger.summary() }

    func checkWritable() async throws(LedgerError) {
        try await write("a check") { () async throws(LedgerError) in try await ledger.checkWritable() }
    }

    func close() async {}
}

extension MemoryLedger {
    /// For planted bugs: they look where nothing of the engine may.
    func jobs(withID id: Int64) async throws(LedgerError) -> JobRecord? {
        for kind in JobKind.allCases {
            for state in JobState.allCases where !state.isFinal {
                if let record = try await jobs(kind, in: state, limit: .max).first(where: { $0.id == id }) { return record }
            }
        }
        return nil
    }
}

// MARK: - Broker

extension Process: MessagePublisher {
    func publish(
        _ message: Message, exchange: String, routingKey: String, mandatory: Bool, timeout: Duration?
    ) async throws(PublishError) {
        await world.sleep(Int64(world.number(0...20)))
        guard survives() else { throw .notSent("dead") }
        if world.strikes(world.weather.lostConfirm / 2) {
            if world.bug == .confirmNotAwaited { return }
            throw .notSent("simulated")
        }
        broker.keep(.init(message: message, exchange: exchange, routingKey: routingKey))
        world.note("\(name) published to \(exchange) \(routingKey) \(message.properties.correlationID ?? "")")
        await world.sleep(Int64(world.number(0...20)))
        guard survives(), !world.strikes(world.weather.lostConfirm) else { throw .outcomeUnknown("the confirm was lost") }
    }

    func hasListener(directReplyTo name: String) async throws(PublishError) -> Bool { true }

    func whenConnected() async throws(CancellationError) {
        guard isAlive else { throw CancellationError() }
    }
}

// MARK: - BOS

extension Process: BOSGateway {
    func recharge(
        _ permit: consuming RetryPermit, _ recharge: Recharge, _ call: CallOptions
    ) async -> CallReport<RechargeMachine.Event> {
        guard survives() else { return CallReport(.notTaken(.notSent), note: "dead") }
        world.note("\(name) sends \(recharge.reference) (\(permit.proof.rawValue))")
        let report = await bos.recharge(recharge) { isAlive }
        guard isAlive, case .unknown = report.event else { return report }
        switch world.bug {
        case .resendOnTimeout: return await bos.recharge(recharge) { isAlive }
        case .timeoutIsNotSent: return CallReport(.notTaken(.notSent), note: "planted")
        default: return report
        }
    }

    func enquire(_ reference: String, registerID: String, _ call: CallOptions) async -> CallReport<Enquiry> {
        guard survives() else { return CallReport(.unanswered(.unanswered, retryAfter: nil), note: "dead") }
        return await bos.enquire(reference)
    }

    func panStatus(_ query: PANStatusQuery, _ call: CallOptions) async -> CallReport<PANStatusMachine.Event> {
        guard survives() else { return CallReport(.unanswered(.unanswered, retryAfter: nil), note: "dead") }
        return await bos.panStatus(query.reference)
    }

    func renewCredentials() async -> Bool { true }
}
