import JobModel
import Ledger

extension LedgerSession {
    /// The part of a stored job that an update needs.
    private struct Target {
        var kind: JobKind
        var reference: String
        var amount: Money
        var acceptedAt: Timestamp
        var owner: String?
        var replyCount: Int
        var state: JobState
        var hasOtherRecipients: Bool
        var firstRecipient: ReplyRecipient

        init(_ row: Columns) throws {
            kind = try row.value(0, named: "kind of a job")
            reference = row.text(1)
            amount = try row.money(2, named: "amount_paise of a job")
            acceptedAt = try row.timestamp(3, named: "accepted_at of a job")
            owner = row.optionalText(4)
            replyCount = try row.count(5, named: "replies_told of a job")
            state = try row.value(6, named: "state of a job")
            hasOtherRecipients = row.int64(7) != 0
            firstRecipient = ReplyRecipient(row, from: 8)
        }
    }

    /// See ``Ledger/update(_:)``.
    func update(_ update: Update) throws -> UpdateResult {
        let target = try statements.jobs.target.first {
            $0.bind(update.jobID)
        } read: {
            try Target($0)
        }
        guard let target, target.owner == update.owner else { return .lost }
        let number = target.replyCount + (update.reply == nil ? 0 : 1)
        try statements.jobs.update.run {
            let isOwned = update.keepsOwnership && !update.progress.state.isFinal
            $0.bind(isOwned ? update.owner : nil)
            $0.bind(update.progress.pollAt(isOwned: isOwned, storedAt: update.entry.at)?.milliseconds)
            $0.bind(number)
            JobColumns.bind(update.progress, to: &$0)
            $0.bind(update.jobID)
        }
        try add(update.entry, to: update.jobID)
        if update.progress.state.isNeverExecuted { try statements.jobs.forgetPurchase.run { $0.bind(update.jobID) } }
        if target.state != update.progress.state {
            count(target.kind, in: target.state, amount: target.amount, by: -1)
            count(target.kind, in: update.progress.state, amount: target.amount, by: 1)
        }
        for sighting in update.sightings { try count(sighting, at: update.entry.at) }
        guard let reply = update.reply else { return .stored([]) }
        let body = reply.body
        return .stored(
            try recipients(of: update.jobID, first: target.firstRecipient, hasOthers: target.hasOtherRecipients).map { recipient in
                let outgoing = OutgoingReply(
                    id: 0,
                    messageID: ReplyID.make(kind: target.kind, reference: target.reference, recipient: recipient, number: number),
                    recipient: recipient, kind: target.kind, outcome: reply.verdict.outcome, amount: target.amount,
                    acceptedAt: target.acceptedAt, body: body)
                return try store(outgoing, of: update.jobID, number: number)
            })
    }

    /// See ``Ledger/markPublished(_:)``.
    func markPublished(_ ids: [OutgoingReply.ID]) throws {
        for id in ids { try statements.replies.publish.run { $0.bind(id) } }
    }

    /// See ``Ledger/takeDue(_:)``.
    func takeDue(_ request: DueRequest) throws -> DueBatch {
        var batch = DueBatch([])
        let leaseEnd = request.leaseEnd
        let room = request.maximumInQueue - (try jobsInQueue(request))
        try statements.due.take.query {
            $0.bind(flag: request.lane == .money)
            $0.bind(request.now.milliseconds)
            $0.bind(flag: request.repeatsLate)
            $0.bind(max(0, min(request.limit, room)))
        } row: { row in
            // Decode the whole row, as a run will. A job that fails here is not put on its queue.
            guard let record = try? JobColumns.record(row).record else { return batch.unreadable.append(row.int64(0)) }
            batch.jobs.append(
                DueJob(
                    id: record.id, job: record.job, state: record.progress.state, dueAt: record.progress.dueAt,
                    traceparent: record.traceparent, leaseEnd: leaseEnd))
        }
        for id in batch.jobs.map(\.id) + batch.unreadable {
            try statements.due.lease.run {
                $0.bind(leaseEnd.milliseconds)
                $0.bind(id)
            }
        }
        return batch
    }

    /// How many requeued jobs of the lane wait for a run. A late job counts as lost, unless messages wait for a consumer.
    private func jobsInQueue(_ request: DueRequest) throws -> Int {
        let count = try statements.due.countInQueue.first {
            $0.bind(flag: request.lane == .money)
            $0.bind(request.repeatsLate ? request.now.milliseconds : .min)
        } read: {
            $0.int(0)
        }
        return count ?? 0
    }

    /// The ids of jobs that wait longer than these pauses allow, 500 at most.
    func jobsAhead(of now: Timestamp, _ longest: LongestPauses) throws -> [Int64] {
        var ids: [Int64] = []
        try statements.due.findAhead.query {
            $0.bind((now + longest.other).milliseconds)
            $0.bind((now + longest.pending).milliseconds)
        } row: {
            ids.append($0.int64(0))
        }
        return ids
    }

    /// Makes these jobs due now.
    func bringForward(_ ids: [Int64], to now: Timestamp) throws {
        for id in ids {
            try statements.due.bringForward.run {
                $0.bind(now.milliseconds)
                $0.bind(id)
            }
        }
    }

    /// See ``Ledger/markRequeued(_:at:)``.
    func markRequeued(_ jobs: [DueJob], at now: Timestamp) throws {
        for job in jobs {
            let marked = try statements.due.markRequeued.first {
                $0.bind((now + DueJob.patience).milliseconds)
                $0.bind(now.milliseconds)
                $0.bind(job.id)
                $0.bind(job.leaseEnd.milliseconds)
            } read: {
                $0.int64(0)
            }
            if marked != nil { try add(.requeued(at: now), to: job.id) }
        }
    }

    /// See ``SQLiteLedger/endRestoring(at:)``.
    func endRestoring(at now: Timestamp) throws -> Bool {
        let ended = try statements.restorings.end.first {
            $0.bind(now.milliseconds)
        } read: {
            $0.int64(0)
        }
        try updateRestored()
        return ended != nil
    }

    /// See ``Ledger/checkWritable()``.
    func checkWritable() throws {
        try statements.summary.check.run()
        try updateRestored()
    }
}
