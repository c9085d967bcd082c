import JobModel
import Ledger

extension LedgerSession {
    /// A stored reply, and whether the broker has still to confirm it.
    private typealias StoredReply = (reply: OutgoingReply, isOwed: Bool)

    /// See ``Ledger/claim(_:)``.
    func claim(_ claim: Claim) throws -> ClaimResult {
        let stored = try statements.jobs.find.first {
            $0.bind(claim.job.kind.rawValue)
            $0.bind(claim.job.reference)
        } read: {
            try JobColumns.record($0)
        }
        guard let stored else { return try claim.recipient.map { try insert(claim, from: $0) } ?? .unknown }

        let own = try claim.recipient.flatMap { try lastReply(of: stored, to: $0) }
        let sighting = ClaimDecision.Sighting(
            of: claim, askedIn: try round(of: claim, on: stored.record.id), current: stored.roundStart, owesReply: own?.isOwed ?? false)
        let decision = ClaimDecision(claim, on: stored.record, message: sighting)
        switch decision {
        case .reopen(let recipient): return try reopen(stored.record, with: claim, from: recipient)
        case .resume: return .resumed(try resume(stored, with: claim))
        case .replace: return .resumed(try replace(stored, with: claim))
        case .join(let owner):
            let isRecipient = try claim.recipient.map { try add($0, to: stored) } ?? false
            try storeRound(of: claim, on: stored)
            let missed = isRecipient && own == nil ? try repeatReply(nil, of: stored, to: claim) : []
            return .joined(owner: owner, isRecipient: isRecipient, missed)
        case .waitForRun(let owner): return .joined(owner: owner, isRecipient: false)
        case .wait:
            try storeRound(of: claim, on: stored)
            return .waiting(try repeatReply(own, of: stored, to: claim))
        case .answer:
            try storeRound(of: claim, on: stored)
            return .answered(try repeatReply(own, of: stored, to: claim))
        case .recall(let recipient, let round):
            return .answered(try endOfRound(after: round, of: stored.record.id, to: recipient).map { [try oweAgain($0)] } ?? [])
        case .conflict:
            if let entry = claim.entry(for: decision) { try add(entry, to: stored.record.id) }
            return .conflict
        }
    }

    // MARK: Changes of the job

    private func insert(_ claim: Claim, from recipient: ReplyRecipient) throws -> ClaimResult {
        if isRestored, claim.job.kind == .recharge { return .resumed(try store(claim.ofUnknownRecharge, from: recipient).record) }
        if let earlier = try claim.purchase.flatMap({ try repeated($0) }) { return .repeats(reference: earlier) }
        let (record, replies) = try store(claim, from: recipient)
        return .new(record, replies)
    }

    private func store(_ claim: Claim, from recipient: ReplyRecipient) throws -> (record: JobRecord, [OutgoingReply]) {
        var record = Self.record(claim, from: recipient, id: 0, roundStart: 0)
        record.id = try statements.jobs.insert.insert {
            $0.bind(record.job.kind.rawValue)
            $0.bind(record.job.reference)
            $0.bind(blob: record.fingerprint)
            $0.bind(blob: record.progress.state.isNeverExecuted ? nil : claim.purchase?.key)
            $0.bind(text: record.job.body)
            $0.bind(record.job.amount.paise)
            $0.bind(record.acceptedAt.milliseconds)
            recipient.bind(to: &$0)
            $0.bind(record.owner)
            $0.bind(record.progress.pollAt(isOwned: true, storedAt: claim.now)?.milliseconds)
            $0.bind(record.replyCount)
            JobColumns.bind(record.progress, to: &$0)
        }
        return try start(record, with: claim, from: recipient, isNew: true)
    }

    /// The reference of the newest job that blocks this purchase.
    private func repeated(_ purchase: Claim.Purchase) throws -> String? {
        guard let since = purchase.notSince else { return nil }
        return try statements.jobs.repeatedPurchase.first {
            $0.bind(blob: purchase.key)
            $0.bind(since.milliseconds)
        } read: {
            $0.text(0)
        }
    }

    private func reopen(_ old: JobRecord, with claim: Claim, from recipient: ReplyRecipient) throws -> ClaimResult {
        let record = Self.record(claim, from: recipient, id: old.id, roundStart: old.replyCount)
        try statements.jobs.restart.run {
            $0.bind(text: record.job.body)
            $0.bind(blob: record.fingerprint)
            $0.bind(record.acceptedAt.milliseconds)
            recipient.bind(to: &$0)
            $0.bind(record.owner)
            $0.bind(record.progress.pollAt(isOwned: true, storedAt: claim.now)?.milliseconds)
            $0.bind(record.replyCount)
            JobColumns.bind(record.progress, to: &$0)
            $0.bind(record.id)
        }
        try statements.recipients.clear.run { $0.bind(record.id) }
        count(old.job.kind, in: old.progress.state, amount: old.job.amount, by: -1)
        let (started, replies) = try start(record, with: claim, from: recipient, isNew: false)
        return .new(started, replies)
    }

    private func resume(_ stored: StoredJob, with claim: Claim) throws -> JobRecord {
        var record = stored.record
        record.owner = claim.owner
        try statements.jobs.setOwner.run {
            $0.bind(record.owner)
            $0.bind(record.progress.pollAt(isOwned: true, storedAt: claim.now)?.milliseconds)
            $0.bind(record.id)
        }
        try addClaim(claim, to: stored, decision: .resume)
        return record
    }

    /// Gives the stored question the claim's content, for all its recipients.
    private func replace(_ stored: StoredJob, with claim: Claim) throws -> JobRecord {
        let old = stored.record
        let record = JobRecord(
            id: old.id, job: claim.job, fingerprint: claim.fingerprint, traceparent: old.traceparent, acceptedAt: claim.now,
            progress: Progress(), owner: claim.owner, replyCount: old.replyCount)
        try statements.jobs.replace.run {
            $0.bind(text: record.job.body)
            $0.bind(blob: record.fingerprint)
            $0.bind(record.acceptedAt.milliseconds)
            $0.bind(record.owner)
            $0.bind(record.progress.pollAt(isOwned: true, storedAt: claim.now)?.milliseconds)
            JobColumns.bind(record.progress, to: &$0)
            $0.bind(record.id)
        }
        try addClaim(claim, to: stored, decision: .replace)
        count(old.job.kind, in: old.progress.state, amount: old.job.amount, by: -1)
        count(old.job.kind, in: record.progress.state, amount: record.job.amount, by: 1)
        return record
    }

    /// Stores the claim's history entry, recipient and message with a job that its run takes over.
    private func addClaim(_ claim: Claim, to stored: StoredJob, decision: ClaimDecision) throws {
        if let entry = claim.entry(for: decision) { try add(entry, to: stored.record.id) }
        if let recipient = claim.recipient { try add(recipient, to: stored) }
        try storeRound(of: claim, on: stored)
    }

    /// Stores what a new round needs beside the job itself.
    private func start(_ record: JobRecord, with claim: Claim, from recipient: ReplyRecipient, isNew: Bool) throws -> (
        record: JobRecord, [OutgoingReply]
    ) {
        try add(claim.entry, to: record.id, isFirst: isNew)
        try storeRound(record.replyCount - (claim.reply == nil ? 0 : 1), of: claim, on: record.id)
        count(record.job.kind, in: record.progress.state, amount: record.job.amount, by: 1)
        guard let reply = claim.reply else { return (record, []) }
        let first = OutgoingReply(reply, to: recipient, of: record, body: reply.body)
        return (record, [try store(first, of: record.id, number: record.replyCount)])
    }

    private static func record(_ claim: Claim, from recipient: ReplyRecipient, id: Int64, roundStart: Int) -> JobRecord {
        JobRecord(
            id: id, job: claim.job, fingerprint: claim.fingerprint, traceparent: recipient.traceparent, acceptedAt: claim.now,
            progress: claim.progress, owner: claim.firstOwner,
            replyCount: roundStart + (claim.reply == nil ? 0 : 1))
    }

    // MARK: Messages of questions

    /// The last round in which the claim's message has asked.
    private func round(of claim: Claim, on id: Int64) throws -> Int? {
        guard let question = claim.question else { return nil }
        return try statements.recipients.findRound.first {
            $0.bind(id)
            question.bind(to: &$0)
        } read: {
            try $0.count(0, named: "round of a question of job \(id)")
        }
    }

    private func storeRound(of claim: Claim, on stored: StoredJob) throws {
        try storeRound(stored.roundStart, of: claim, on: stored.record.id)
    }

    /// Stores that the claim's message has asked in this round.
    private func storeRound(_ round: Int, of claim: Claim, on id: Int64) throws {
        guard let question = claim.question else { return }
        try statements.recipients.storeRound.run {
            $0.bind(id)
            question.bind(to: &$0)
            $0.bind(round)
        }
    }

    // MARK: Replies

    /// The round's last reply, as it was stored for this recipient.
    private func lastReply(of stored: StoredJob, to recipient: ReplyRecipient) throws -> StoredReply? {
        let record = stored.record
        guard record.replyCount > stored.roundStart else { return nil }
        return try statements.replies.lastForRecipient.first {
            $0.bind(record.id)
            $0.bind(record.replyCount)
            $0.bind(recipient.correlationID)
            $0.bind(recipient.replyTo ?? "")
        } read: {
            (try Self.outgoingReply($0), $0.int64(10) != 0)
        }
    }

    /// The first final reply to this recipient with a number greater than `round`.
    private func endOfRound(after round: Int, of id: Int64, to recipient: ReplyRecipient) throws -> StoredReply? {
        var end: StoredReply?
        try statements.replies.laterForRecipient.query {
            $0.bind(id)
            $0.bind(round)
            $0.bind(recipient.correlationID)
            $0.bind(recipient.replyTo ?? "")
        } row: { row in
            let reply = try Self.outgoingReply(row)
            if end == nil, reply.isFinal { end = (reply, row.int64(10) != 0) }
        }
        return end
    }

    private func oweAgain(_ stored: StoredReply) throws -> OutgoingReply {
        if !stored.isOwed { try statements.replies.owe.run { $0.bind(stored.reply.id) } }
        return stored.reply
    }

    /// The round's last reply for the claim's recipient, who may be new; empty if the round has none yet. A new recipient gets the content
    /// that the others had, under its own `message_id`.
    private func repeatReply(_ own: StoredReply?, of stored: StoredJob, to claim: Claim) throws -> [OutgoingReply] {
        guard let recipient = claim.recipient else { return [] }
        let record = stored.record
        let others = try own == nil && record.replyCount > stored.roundStart ? lastReplyToAnyone(of: record) : nil
        try add(recipient, to: stored)
        // The run for which this claim has waited has published its recipients' replies. Only a new recipient gets one here.
        if let own { return claim.hasJoined ? [] : [try oweAgain(own)] }
        guard var reply = others else { return [] }
        reply.recipient = recipient
        reply.messageID = ReplyID.make(
            kind: record.job.kind, reference: record.job.reference, recipient: recipient, number: record.replyCount)
        return [try store(reply, of: record.id, number: record.replyCount)]
    }

    private func lastReplyToAnyone(of record: JobRecord) throws -> OutgoingReply? {
        try statements.replies.forAnyone.first {
            $0.bind(record.id)
            $0.bind(record.replyCount)
        } read: {
            try Self.outgoingReply($0)
        }
    }
}

extension Claim {
    /// The claim of a recharge that a restored ledger does not know. Its run enquires, and does not send it.
    fileprivate var ofUnknownRecharge: Claim {
        var claim = self
        claim.progress = .mayHaveBeenSent(at: now)
        claim.reply = nil
        claim.entry = HistoryEntry(
            at: now, .accepted, detail: "the ledger was restored from a copy and does not know it: it may have been sent before")
        return claim
    }
}
