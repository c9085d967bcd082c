import JobModel
import Ledger

extension LedgerSession {
    /// What an update has to know of the job that it changes.
    private struct Target {
        var kind: JobKind
        var reference: String
        var amount: Money
        var acceptedAt: Timestamp
        var owner: String?
        var repliesTold: Int
        var state: JobState
        var hasOtherAskers: Bool
        var firstAsker: Asker

        init(_ row: Columns) throws {
            kind = try row.value(0, "kind of a job")
            reference = row.text(1)
            amount = try row.money(2, "amount_paise of a job")
            acceptedAt = try row.timestamp(3, "accepted_at of a job")
            owner = row.optionalText(4)
            repliesTold = try row.count(5, "replies_told of a job")
            state = try row.value(6, "state of a job")
            hasOtherAskers = row.int64(7) != 0
            firstAsker = Asker(row, from: 8)
        }
    }

    /// See ``Ledger/update(_:)``.
    func update(_ update: Update) throws -> UpdateResult {
        let target = try statements.jobByID.first({ $0.bind(update.jobID) }, Target.init)
        guard let target, target.owner == update.owner else { return .lost }
        let number = target.repliesTold + (update.reply == nil ? 0 : 1)
        try statements.updateJob.run {
            let isOwned = update.keepsOwnership && !update.progress.state.isFinal
            $0.bind(isOwned ? update.owner : nil)
            $0.bind(update.progress.pollAt(isOwned: isOwned, storedAt: update.entry.at)?.milliseconds)
            $0.bind(number)
            JobColumns.bind(update.progress, to: &$0)
            $0.bind(update.jobID)
        }
        try add(update.entry, to: update.jobID)
        if update.progress.state.isNeverExecuted { try statements.forgetPurchase.run { $0.bind(update.jobID) } }
        if target.state != update.progress.state {
            count(target.kind, target.state, target.amount, by: -1)
            count(target.kind, update.progress.state, target.amount, by: 1)
        }
        for sighting in update.sightings { try count(sighting, at: update.entry.at) }
        guard let reply = update.reply else { return .stored([]) }
        let body = reply.body
        return .stored(
            try askers(of: update.jobID, first: target.firstAsker, hasOthers: target.hasOtherAskers).map { asker in
                let told = OutgoingReply(
                    id: 0,
                    messageID: ReplyID.make(kind: target.kind, reference: target.reference, asker: asker, number: number),
                    asker: asker, kind: target.kind, outcome: reply.verdict.outcome, amount: target.amount,
                    acceptedAt: target.acceptedAt, body: body)
                return try store(told, of: update.jobID, number: number)
            })
    }

    /// See ``Ledger/markPublished(_:)``.
    func markPublished(_ ids: [OutgoingReply.ID]) throws {
        for id in ids { try statements.publish.run { $0.bind(id) } }
    }

    /// See ``Ledger/takeDue(_:)``.
    func takeDue(_ request: DueRequest) throws -> DueBatch {
        var batch = DueBatch([])
        let leaseEnd = request.leaseEnd
        let room = request.maximumInQueue - (try jobsInQueue(request))
        try statements.due.query(
            {
                $0.bind(request.lane == .money)
                $0.bind(request.now.milliseconds)
                $0.bind(request.repeatsLate)
                $0.bind(max(0, min(request.limit, room)))
            },
            { row in
                // As whole as a run will read it: what it cannot is not put on a queue.
                guard let record = try? JobColumns.record(row).record else { return batch.unreadable.append(row.int64(0)) }
                batch.jobs.append(
                    DueJob(
                        id: record.id, job: record.job, state: record.progress.state, dueAt: record.progress.dueAt,
                        traceparent: record.traceparent, leaseEnd: leaseEnd))
            })
        for id in batch.jobs.map(\.id) + batch.unreadable {
            try statements.lease.run {
                $0.bind(leaseEnd.milliseconds)
                $0.bind(id)
            }
        }
        return batch
    }

    /// What the ledger has put on the lane's queue; one that is late may be lost, where messages do not wait for a consumer.
    private func jobsInQueue(_ request: DueRequest) throws -> Int {
        let count = try statements.inQueue.first(
            {
                $0.bind(request.lane == .money)
                $0.bind(request.repeatsLate ? request.now.milliseconds : .min)
            }, { $0.int(0) })
        return count ?? 0
    }

    /// See ``Ledger/bringForward(at:_:)``.
    func jobsAhead(of now: Timestamp, _ longest: LongestPauses) throws -> [Int64] {
        var ids: [Int64] = []
        try statements.ahead.query(
            {
                $0.bind((now + longest.other).milliseconds)
                $0.bind((now + longest.pending).milliseconds)
            }, { ids.append($0.int64(0)) })
        return ids
    }

    func bringForward(_ ids: [Int64], to now: Timestamp) throws {
        for id in ids {
            try statements.bringForward.run {
                $0.bind(now.milliseconds)
                $0.bind(id)
            }
        }
    }

    /// See ``Ledger/markRequeued(_:at:)``.
    func markRequeued(_ jobs: [DueJob], at now: Timestamp) throws {
        for job in jobs {
            let isMarked = try statements.requeue.first(
                {
                    $0.bind((now + DueJob.patience).milliseconds)
                    $0.bind(now.milliseconds)
                    $0.bind(job.id)
                    $0.bind(job.leaseEnd.milliseconds)
                }, { _ in true })
            if isMarked != nil { try add(.requeued(at: now), to: job.id) }
        }
    }

    /// See ``Ledger/checkWritable()``.
    func checkWritable() throws {
        try statements.check.run { _ in }
    }
}
