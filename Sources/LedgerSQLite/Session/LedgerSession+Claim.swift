import JobModel
import Ledger

extension LedgerSession {
    /// See ``Ledger/claim(_:)``.
    func claim(_ claim: Claim) throws -> ClaimResult {
        let stored = try statements.findJob.first(
            {
                $0.bind(claim.job.kind.rawValue)
                $0.bind(claim.job.reference)
            }, JobColumns.record)
        guard let stored else { return try claim.asker.map { try insert(claim, $0) } ?? .unknown }

        let own = try claim.asker.flatMap { try lastReply(of: stored, to: $0) }
        let id = stored.record.id
        let round = try round(of: claim, id)
        let message = ClaimResult.Message(claim, askedIn: round, current: stored.repliesBefore, owesAsker: own?.isOwed ?? false)
        let decision = ClaimResult.decide(claim, on: stored.record, message)
        switch decision {
        case .insert, .conflict, .refuse:
            if let entry = claim.entry(for: decision) { try add(entry, to: id) }
            return .conflict
        case .reopen: return try claim.asker.map { try reopen(stored.record, claim, $0) } ?? .unknown
        case .resume:
            try statements.setOwner.run {
                $0.bind(claim.owner)
                $0.bind(stored.record.progress.pollAt(isOwned: true, storedAt: claim.now)?.milliseconds)
                $0.bind(id)
            }
            if let entry = claim.entry(for: decision) { try add(entry, to: id) }
            if let asker = claim.asker { try add(asker, to: stored) }
            try note(claim, of: stored)
            var record = stored.record
            record.owner = claim.owner
            return .resumed(record)
        case .replace: return .resumed(try replace(stored, claim))
        case .waitForRun: return .joined(owner: stored.record.owner ?? "", isTold: false)
        case .join:
            let isTold = try claim.asker.map { try add($0, to: stored) } ?? false
            try note(claim, of: stored)
            let told = isTold && own == nil ? try repeatReply(nil, of: stored, to: claim) : []
            return .joined(owner: stored.record.owner ?? "", isTold: isTold, told)
        case .wait:
            try note(claim, of: stored)
            return .waiting(try repeatReply(own, of: stored, to: claim))
        case .answer:
            try note(claim, of: stored)
            return .answered(try repeatReply(own, of: stored, to: claim))
        case .recall:
            let past = try round.flatMap { round in try claim.asker.flatMap { try end(of: id, after: round, to: $0) } }
            return .answered(try past.map { [try oweAgain($0)] } ?? [])
        }
    }

    /// The first final reply to this asker behind so many.
    private func end(of id: Int64, after round: Int, to asker: Asker) throws -> (reply: OutgoingReply, isOwed: Bool)? {
        var end: (reply: OutgoingReply, isOwed: Bool)?
        try statements.repliesForAsker.query(
            {
                $0.bind(id)
                $0.bind(round)
                $0.bind(asker.correlationID)
                $0.bind(asker.replyTo ?? "")
            },
            { row in
                let reply = try Self.outgoingReply(row)
                if end == nil, reply.isFinal { end = (reply, row.int64(10) != 0) }
            })
        return end
    }

    /// The round in which the claim's message has asked before.
    private func round(of claim: Claim, _ id: Int64) throws -> Int? {
        guard let question = claim.question else { return nil }
        return try statements.findQuestion.first(
            {
                $0.bind(id)
                question.bind(to: &$0)
            }, { try $0.count(0, "round of a question of job \(id)") })
    }

    private func note(_ claim: Claim, of stored: StoredJob) throws { try note(claim, stored.record.id, round: stored.repliesBefore) }

    /// Remembers that the message has asked in this round.
    private func note(_ claim: Claim, _ id: Int64, round: Int) throws {
        guard let question = claim.question else { return }
        try statements.addQuestion.run {
            $0.bind(id)
            question.bind(to: &$0)
            $0.bind(round)
        }
    }

    private func insert(_ claim: Claim, _ asker: Asker) throws -> ClaimResult {
        if let earlier = try claim.purchase.flatMap({ try repeated($0) }) { return .repeats(reference: earlier) }
        var record = Self.record(claim, asker, id: 0, repliesBefore: 0)
        record.id = try statements.insertJob.insert {
            $0.bind(record.job.kind.rawValue)
            $0.bind(record.job.reference)
            $0.bind(blob: record.fingerprint)
            $0.bind(blob: record.progress.state.isNeverExecuted ? nil : claim.purchase?.key)
            $0.bind(text: record.job.body)
            $0.bind(record.job.amount.paise)
            $0.bind(record.acceptedAt.milliseconds)
            asker.bind(to: &$0)
            $0.bind(record.owner)
            $0.bind(record.progress.pollAt(isOwned: true, storedAt: claim.now)?.milliseconds)
            $0.bind(record.repliesTold)
            JobColumns.bind(record.progress, to: &$0)
        }
        return try start(record, claim, asker, isNew: true)
    }

    /// The reference of the last job that stands in the way of this purchase.
    private func repeated(_ purchase: Claim.Purchase) throws -> String? {
        guard let since = purchase.notSince else { return nil }
        return try statements.repeatedPurchase.first(
            {
                $0.bind(blob: purchase.key)
                $0.bind(since.milliseconds)
            }, { $0.text(0) })
    }

    private func reopen(_ old: JobRecord, _ claim: Claim, _ asker: Asker) throws -> ClaimResult {
        let record = Self.record(claim, asker, id: old.id, repliesBefore: old.repliesTold)
        try statements.restartJob.run {
            $0.bind(text: record.job.body)
            $0.bind(blob: record.fingerprint)
            $0.bind(record.acceptedAt.milliseconds)
            asker.bind(to: &$0)
            $0.bind(record.owner)
            $0.bind(record.progress.pollAt(isOwned: true, storedAt: claim.now)?.milliseconds)
            $0.bind(record.repliesTold)
            JobColumns.bind(record.progress, to: &$0)
            $0.bind(record.id)
        }
        try statements.clearAskers.run { $0.bind(record.id) }
        count(old.job.kind, old.progress.state, old.job.amount, by: -1)
        return try start(record, claim, asker, isNew: false)
    }

    /// Has the question go on with the claim's content, for all who have asked.
    private func replace(_ stored: StoredJob, _ claim: Claim) throws -> JobRecord {
        let old = stored.record
        let record = JobRecord(
            id: old.id, job: claim.job, fingerprint: claim.fingerprint, traceparent: old.traceparent, acceptedAt: claim.now,
            progress: Progress(), owner: claim.owner, repliesTold: old.repliesTold)
        try statements.replaceJob.run {
            $0.bind(text: record.job.body)
            $0.bind(blob: record.fingerprint)
            $0.bind(record.acceptedAt.milliseconds)
            $0.bind(record.owner)
            $0.bind(record.progress.pollAt(isOwned: true, storedAt: claim.now)?.milliseconds)
            JobColumns.bind(record.progress, to: &$0)
            $0.bind(record.id)
        }
        if let entry = claim.entry(for: .replace) { try add(entry, to: record.id) }
        if let asker = claim.asker { try add(asker, to: stored) }
        try note(claim, of: stored)
        count(old.job.kind, old.progress.state, old.job.amount, by: -1)
        count(old.job.kind, record.progress.state, record.job.amount, by: 1)
        return record
    }

    /// What a new round stores beside the job itself.
    private func start(_ record: JobRecord, _ claim: Claim, _ asker: Asker, isNew: Bool) throws -> ClaimResult {
        try add(claim.entry, to: record.id, isFirst: isNew)
        try note(claim, record.id, round: record.repliesTold - (claim.reply == nil ? 0 : 1))
        count(record.job.kind, record.progress.state, record.job.amount, by: 1)
        guard let reply = claim.reply else { return .new(record, []) }
        let told = OutgoingReply(reply, to: asker, of: record, body: reply.body)
        return .new(record, [try store(told, of: record.id, number: record.repliesTold)])
    }

    private static func record(_ claim: Claim, _ asker: Asker, id: Int64, repliesBefore: Int) -> JobRecord {
        JobRecord(
            id: id, job: claim.job, fingerprint: claim.fingerprint, traceparent: asker.traceparent, acceptedAt: claim.now,
            progress: claim.progress, owner: claim.firstOwner,
            repliesTold: repliesBefore + (claim.reply == nil ? 0 : 1))
    }

    /// The round's last reply as it was stored for this asker.
    private func lastReply(of stored: StoredJob, to asker: Asker) throws -> (reply: OutgoingReply, isOwed: Bool)? {
        guard stored.record.repliesTold > stored.repliesBefore else { return nil }
        return try reply(of: stored.record.id, number: stored.record.repliesTold, to: asker)
    }

    private func reply(of id: Int64, number: Int, to asker: Asker) throws -> (reply: OutgoingReply, isOwed: Bool)? {
        try statements.replyForAsker.first(
            {
                $0.bind(id)
                $0.bind(number)
                $0.bind(asker.correlationID)
                $0.bind(asker.replyTo ?? "")
            }, { (try Self.outgoingReply($0), $0.int64(10) != 0) })
    }

    private func oweAgain(_ told: (reply: OutgoingReply, isOwed: Bool)) throws -> OutgoingReply {
        if !told.isOwed { try statements.owe.run { $0.bind(told.reply.id) } }
        return told.reply
    }

    /// The round's last reply, if any, for an asker who may have come after it: what all were told, under the asker's own `message_id`.
    private func repeatReply(
        _ own: (reply: OutgoingReply, isOwed: Bool)?, of stored: StoredJob, to claim: Claim
    ) throws -> [OutgoingReply] {
        guard let asker = claim.asker else { return [] }
        let record = stored.record
        let told = try own == nil && record.repliesTold > stored.repliesBefore ? replyToAnyone(of: record) : nil
        try add(asker, to: stored)
        // The run that the claim has waited for has told its askers; who came after that is told now.
        if let own { return claim.hasJoined ? [] : [try oweAgain(own)] }
        guard var reply = told else { return [] }
        reply.asker = asker
        reply.messageID = ReplyID.make(
            kind: record.job.kind, reference: record.job.reference, asker: asker, number: record.repliesTold)
        return [try store(reply, of: record.id, number: record.repliesTold)]
    }

    private func replyToAnyone(of record: JobRecord) throws -> OutgoingReply? {
        try statements.replyForAnyone.first(
            {
                $0.bind(record.id)
                $0.bind(record.repliesTold)
            }, Self.outgoingReply)
    }
}
