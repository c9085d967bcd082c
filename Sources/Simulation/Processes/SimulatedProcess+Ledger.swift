import AMQP
import JobEngine
import JobModel
import Ledger

extension SimulatedProcess: Ledger {
    private func write<Value>(_ what: String, body: () async throws(LedgerError) -> Value) async throws(LedgerError) -> Value {
        await world.sleep(Int64(world.number(0...5)))
        guard survives() else { throw .closed }
        if world.shouldFail(world.faultRates.ledgerTrouble) { throw .diskFull("simulated") }
        let value = try await body()
        environment.audit.compare(environment.ledger.records, with: environment.bos.books)
        world.note("\(name) stored \(what)")
        await world.sleep(Int64(world.number(0...5)))
        // The write stays stored even if the process crashes before it learns of it.
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
            let result = try await environment.ledger.claim(stored)
            if case .new = result { environment.audit.accepted(job, at: world.elapsed) }
            if case .new(let record, _) = result { environment.audit.stepStored(record.id, at: world.elapsed) }
            if case .resumed(let record) = result { environment.audit.stepStored(record.id, at: world.elapsed) }
            return result
        }
    }

    func update(_ update: Update) async throws(LedgerError) -> UpdateResult {
        if world.bug == .replyBeforeVerdict, let reply = update.reply, let record = try await environment.ledger.job(withID: update.jobID) {
            let early = OutgoingReply(reply, to: ReplyRecipient(correlationID: "\(record.job.reference)/0"), of: record, body: reply.body)
            var properties = Properties()
            (properties.correlationID, properties.messageID) = (early.recipient.correlationID, early.messageID)
            environment.broker.enqueue(
                .init(message: Message(body: early.body, properties: properties), exchange: "bos.replies", routingKey: "early"))
        }
        return try await write("update of job \(update.jobID): \(update.entry.event.rawValue) \(update.progress.state.rawValue)") {
            () async throws(LedgerError) in
            let result = try await environment.ledger.update(update)
            if case .stored = result {
                environment.audit.answered(update, among: environment.ledger.records, bos: environment.bos, at: world.elapsed)
                environment.audit.stepStored(update.jobID, at: world.elapsed)
            }
            return result
        }
    }

    func markPublished(_ ids: [OutgoingReply.ID]) async throws(LedgerError) {
        try await write("\(ids.count) published marks") { () async throws(LedgerError) in try await environment.ledger.markPublished(ids) }
    }

    func takeDue(_ request: DueRequest) async throws(LedgerError) -> DueBatch {
        var request = request
        if world.bug == .leaseNeverExpires { request.leaseEnd = request.now + .seconds(1_000_000_000) }
        let asked = request
        return try await write("leases") { () async throws(LedgerError) in try await environment.ledger.takeDue(asked) }
    }

    func bringForward(at now: Timestamp, _ longest: LongestPauses) async throws(LedgerError) -> Int {
        if world.bug == .leaseNeverExpires || world.bug == .clockBackFreezes || world.bug == .requeuedNeverDue { return 0 }
        return try await write("jobs due too far ahead") { () async throws(LedgerError) in
            try await environment.ledger.bringForward(at: now, longest)
        }
    }

    func unreadable(limit: Int) async throws(LedgerError) -> [UnreadableRow] { [] }

    func markRequeued(_ jobs: [DueJob], at now: Timestamp) async throws(LedgerError) {
        let now = world.bug == .requeuedNeverDue ? now + .seconds(1_000_000_000) : now
        try await write("\(jobs.count) requeued marks") { () async throws(LedgerError) in
            try await environment.ledger.markRequeued(jobs, at: now)
        }
    }

    func unpublishedReplies(after id: OutgoingReply.ID?, limit: Int) async throws(LedgerError) -> OwedReplies {
        guard isAlive else { throw .closed }
        return try await environment.ledger.unpublishedReplies(after: id, limit: limit)
    }

    func lastUnpublishedReply() async throws(LedgerError) -> OutgoingReply.ID? {
        guard isAlive else { throw .closed }
        return try await environment.ledger.lastUnpublishedReply()
    }

    func jobs(_ kind: JobKind, in state: JobState, limit: Int) async throws(LedgerError) -> [JobRecord] {
        try await environment.ledger.jobs(kind, in: state, limit: limit)
    }

    func job(_ kind: JobKind, reference: String) async throws(LedgerError) -> (record: JobRecord, history: [HistoryEntry])? {
        if world.bug == .statusAboutUnfinished, kind == .recharge { return nil }
        return try await environment.ledger.job(kind, reference: reference)
    }

    func lastExecuted(sentTo destination: String) async throws(LedgerError) -> [JobRecord] {
        try await environment.ledger.lastExecuted(sentTo: destination)
    }

    func doubtsSentElsewhere(than destination: String) async throws(LedgerError) -> DoubtTotal {
        try await environment.ledger.doubtsSentElsewhere(than: destination)
    }

    func codes() async throws(LedgerError) -> [CodeCount] { try await environment.ledger.codes() }

    func pendingApplications() async throws(LedgerError) -> PendingApplications { try await environment.ledger.pendingApplications() }

    func summary() async throws(LedgerError) -> LedgerSummary { try await environment.ledger.summary() }

    func checkWritable() async throws(LedgerError) {
        try await write("a check") { () async throws(LedgerError) in try await environment.ledger.checkWritable() }
    }

    func close() async {}
}

extension MemoryLedger {
    /// For planted bugs: looks up an unfinished job by its id, which the engine cannot do.
    func job(withID id: Int64) async throws(LedgerError) -> JobRecord? {
        for kind in JobKind.allCases {
            for state in JobState.allCases where !state.isFinal {
                if let record = try await jobs(kind, in: state, limit: .max).first(where: { $0.id == id }) { return record }
            }
        }
        return nil
    }
}
