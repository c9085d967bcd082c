import JobModel

/// The key of a job. Databases compare text byte by byte; Swift treats two spellings of one character as equal.
struct JobKey: Hashable {
    let kind: JobKind
    let reference: [UInt8]

    init(_ kind: JobKind, reference: String) {
        self.kind = kind
        self.reference = Array(reference.utf8)
    }
}

/// The content of the ledger in memory.
struct MemoryState {
    struct Entry {
        var record: JobRecord
        var recipients: [ReplyRecipient]
        /// The job's ``JobRecord/replyCount`` when the current round started. Replies with greater numbers belong to this round.
        var roundStart = 0
        var purchase: [UInt8]?
        /// The messages that have asked, each with its last round: the ``roundStart`` at that time.
        var questions: [(question: Claim.Question, round: Int)] = []
        /// When the job is due for the poller.
        var pollAt: Timestamp?
        /// Whether the poller has put the job back on its queue, and no run has claimed it since.
        var isInQueue = false
        var history: [HistoryEntry]
    }

    struct StoredReply {
        var reply: OutgoingReply
        let job: Int64
        let number: Int
        var isPublished = false
    }

    var entries: [Entry] = []
    var ids: [JobKey: Int64] = [:]
    var replies: [StoredReply] = []
    var codes: [CodeCount] = []
    var actions: [RecordedAction] = []
    var holds: [JobLane: LaneHold] = [:]
    var isClosed = false

    subscript(id: Int64) -> Entry {
        get { entries[Int(id) - 1] }
        set { entries[Int(id) - 1] = newValue }
    }

    func checkOpen() throws(LedgerError) {
        if isClosed { throw .closed }
    }
}

// MARK: - Claims

extension MemoryState {
    mutating func claim(_ claim: Claim) -> ClaimResult {
        let key = JobKey(claim.job.kind, reference: claim.job.reference)
        guard let id = ids[key] else { return claim.recipient.map { insert(claim, from: $0, as: key) } ?? .unknown }
        let own = claim.recipient.flatMap { recipient in lastReplies(of: id).first { $0.reply.recipient.isSame(as: recipient) } }
        let sighting = ClaimDecision.Sighting(
            of: claim, askedIn: round(of: claim, on: id), current: self[id].roundStart, owesReply: own?.isPublished == false)
        let decision = ClaimDecision(claim, on: self[id].record, message: sighting)
        if let entry = claim.entry(for: decision) { self[id].history.append(entry) }
        switch decision {
        case .conflict: return .conflict
        case .recall(let recipient, let round): return .answered(endOfRound(after: round, of: id, to: recipient))
        case .reopen(let recipient): return reopen(id, with: claim, from: recipient)
        case .waitForRun(let owner): return .joined(owner: owner, isRecipient: false)
        case .join(let owner):
            addRecipient(of: claim, to: id)
            let isRecipient = claim.recipient.map { recipient in self[id].recipients.contains { $0.isSame(as: recipient) } } ?? false
            return .joined(owner: owner, isRecipient: isRecipient, isRecipient && own == nil ? repeatReply(of: id, to: claim) : [])
        case .replace:
            addRecipient(of: claim, to: id)
            return .resumed(replace(id, with: claim))
        case .resume:
            addRecipient(of: claim, to: id)
            self[id].record.owner = claim.owner
            self[id].isInQueue = false
            self[id].pollAt = self[id].record.progress.pollAt(isOwned: true, storedAt: claim.now)
            return .resumed(self[id].record)
        case .wait:
            addRecipient(of: claim, to: id)
            return .waiting(repeatReply(of: id, to: claim))
        case .answer:
            addRecipient(of: claim, to: id)
            return .answered(repeatReply(of: id, to: claim))
        }
    }

    /// Adds the claim's recipient, and stores that the claim's message has asked in this round.
    private mutating func addRecipient(of claim: Claim, to id: Int64) {
        storeRound(of: claim, on: id)
        guard let recipient = claim.recipient, !self[id].recipients.contains(where: { $0.isSame(as: recipient) }) else { return }
        if self[id].recipients.count < Claim.maximumRecipients { self[id].recipients.append(recipient) }
    }

    /// Gives the stored question the claim's content.
    private mutating func replace(_ id: Int64, with claim: Claim) -> JobRecord {
        let old = self[id].record
        let record = JobRecord(
            id: id, job: claim.job, fingerprint: claim.fingerprint, traceparent: old.traceparent, acceptedAt: claim.now,
            progress: Progress(), owner: claim.owner, replyCount: old.replyCount)
        self[id].record = record
        self[id].isInQueue = false
        self[id].pollAt = record.progress.pollAt(isOwned: true, storedAt: claim.now)
        return record
    }

    /// The last round in which the claim's message has asked.
    private func round(of claim: Claim, on id: Int64) -> Int? {
        guard let question = claim.question else { return nil }
        return self[id].questions.first { $0.question.isSame(as: question) }?.round
    }

    private mutating func storeRound(of claim: Claim, on id: Int64) {
        guard let question = claim.question else { return }
        self[id].questions.removeAll { $0.question.isSame(as: question) }
        self[id].questions.append((question, self[id].roundStart))
    }

    private mutating func insert(_ claim: Claim, from recipient: ReplyRecipient, as key: JobKey) -> ClaimResult {
        if let earlier = claim.purchase.flatMap({ repeated($0) }) { return .repeats(reference: earlier) }
        let record = JobRecord(
            id: Int64(entries.count + 1), job: claim.job, fingerprint: claim.fingerprint, traceparent: recipient.traceparent,
            acceptedAt: claim.now, progress: claim.progress, owner: claim.firstOwner, replyCount: 0)
        let pollAt = claim.progress.pollAt(isOwned: true, storedAt: claim.now)
        let purchase = claim.progress.state.isNeverExecuted ? nil : claim.purchase?.key
        entries.append(Entry(record: record, recipients: [recipient], purchase: purchase, pollAt: pollAt, history: [claim.entry]))
        storeRound(of: claim, on: record.id)
        ids[key] = record.id
        let replies = store(claim.reply, of: record.id)
        return .new(self[record.id].record, replies)
    }

    /// The reference of the newest job that blocks this purchase.
    private func repeated(_ purchase: Claim.Purchase) -> String? {
        guard let since = purchase.notSince else { return nil }
        let earlier = entries.last { entry in
            let (progress, acceptedAt) = (entry.record.progress, entry.record.acceptedAt)
            return entry.purchase == purchase.key && !progress.state.isNeverExecuted
                && (progress.completedAt.map { $0 >= since } ?? true || acceptedAt >= since)
        }
        return earlier?.record.job.reference
    }

    private mutating func reopen(_ id: Int64, with claim: Claim, from recipient: ReplyRecipient) -> ClaimResult {
        let old = self[id]
        self[id].record = JobRecord(
            id: id, job: claim.job, fingerprint: claim.fingerprint, traceparent: recipient.traceparent, acceptedAt: claim.now,
            progress: claim.progress, owner: claim.firstOwner, replyCount: old.record.replyCount)
        self[id].recipients = [recipient]
        self[id].isInQueue = false
        self[id].pollAt = claim.progress.pollAt(isOwned: true, storedAt: claim.now)
        self[id].roundStart = old.record.replyCount
        storeRound(of: claim, on: id)
        let replies = store(claim.reply, of: id)
        return .new(self[id].record, replies)
    }
}

// MARK: - Updates

extension MemoryState {
    mutating func update(_ update: Update) -> UpdateResult {
        let id = update.jobID
        guard id > 0, id <= entries.count, self[id].record.owner == update.owner else { return .lost }
        self[id].record.progress = update.progress
        if !update.keepsOwnership || update.progress.state.isFinal { self[id].record.owner = nil }
        self[id].pollAt = update.progress.pollAt(isOwned: self[id].record.owner != nil, storedAt: update.entry.at)
        if update.progress.state.isNeverExecuted { self[id].purchase = nil }
        self[id].history.append(update.entry)
        for sighting in update.sightings { count(sighting, at: update.entry.at) }
        return .stored(store(update.reply, of: id))
    }

    mutating func takeDue(_ request: DueRequest) -> [DueJob] {
        let (now, leaseEnd) = (request.now, request.leaseEnd)
        let ofLane = entries.filter { $0.pollAt != nil && Job.lane($0.record.job.kind, in: $0.record.progress.state) == request.lane }
        let inQueue = ofLane.count { $0.isInQueue && ($0.pollAt ?? now > now || !request.repeatsLate) }
        let due = ofLane.filter { $0.pollAt ?? now <= now && (!$0.isInQueue || request.repeatsLate) }
        let ordered = due.sorted { ($0.pollAt ?? now, $0.record.id) < ($1.pollAt ?? now, $1.record.id) }
        return ordered.prefix(max(0, min(request.limit, request.maximumInQueue - inQueue))).map { entry in
            let record = entry.record
            self[record.id].pollAt = leaseEnd
            return DueJob(
                id: record.id, job: record.job, state: record.progress.state, dueAt: record.progress.dueAt,
                traceparent: record.traceparent, leaseEnd: leaseEnd)
        }
    }

    mutating func bringForward(at now: Timestamp, _ longest: LongestPauses) -> Int {
        let early = entries.filter { entry in
            guard let pollAt = entry.pollAt, let limit = longest.limit(entry.record.progress.state) else { return false }
            return pollAt > now + limit
        }
        for id in early.map(\.record.id) {
            self[id].pollAt = now
            self[id].record.progress.dueAt = self[id].record.progress.dueAt.map { min($0, now) }
        }
        return early.count
    }

    mutating func markRequeued(_ jobs: [DueJob], at now: Timestamp) {
        for job in jobs where job.id > 0 && job.id <= entries.count && self[job.id].pollAt == job.leaseEnd {
            self[job.id].pollAt = now + DueJob.patience
            self[job.id].isInQueue = true
            self[job.id].history.append(.requeued(at: now))
        }
    }

    private mutating func count(_ sighting: CodeSighting, at now: Timestamp) {
        let name = codes.contains { $0.name == sighting.name } || codes.count { $0.name != nil } < CodeCount.maximum ? sighting.name : nil
        if let index = codes.firstIndex(where: { $0.name == name }) { return codes[index].count(sighting, at: now) }
        var code = CodeCount(name, firstSeen: now, lastSeen: now, message: sighting.message)
        code.count(sighting, at: now)
        codes.append(code)
    }
}

// MARK: - Replies

extension MemoryState {
    /// Stores one reply for each recipient.
    private mutating func store(_ reply: Reply?, of id: Int64) -> [OutgoingReply] {
        guard let reply else { return [] }
        self[id].record.replyCount += 1
        let (outcome, body, acceptedAt) = (reply.verdict.outcome, reply.body, self[id].record.acceptedAt)
        let recipients = self[id].recipients.sorted { $0.precedes($1) }
        return recipients.map { store(outcome, body: body, to: $0, of: id, acceptedAt: acceptedAt) }
    }

    /// The last reply of this round, for each recipient that had it.
    private func lastReplies(of id: Int64) -> [StoredReply] {
        let number = self[id].record.replyCount
        return number > self[id].roundStart ? replies.filter { $0.job == id && $0.number == number } : []
    }

    /// The last reply of this round for the claim's recipient, who may be new; empty if the round has none yet.
    private mutating func repeatReply(of id: Int64, to claim: Claim) -> [OutgoingReply] {
        guard let recipient = claim.recipient else { return [] }
        let last = lastReplies(of: id)
        if let own = last.first(where: { $0.reply.recipient.isSame(as: recipient) }) { return claim.hasJoined ? [] : [oweAgain(own.reply)] }
        guard let model = last.first?.reply else { return [] }
        return [store(model.outcome, body: model.body, to: recipient, of: id, acceptedAt: model.acceptedAt)]
    }

    /// The first final reply to this recipient with a number greater than `round`.
    private mutating func endOfRound(after round: Int, of id: Int64, to recipient: ReplyRecipient) -> [OutgoingReply] {
        let end = replies.first { reply in
            reply.job == id && reply.number > round && reply.reply.isFinal && recipient.isSame(as: reply.reply.recipient)
        }
        return end.map { [oweAgain($0.reply)] } ?? []
    }

    private mutating func oweAgain(_ reply: OutgoingReply) -> OutgoingReply {
        replies[Int(reply.id) - 1].isPublished = false
        return reply
    }

    private mutating func store(
        _ outcome: Outcome, body: [UInt8], to recipient: ReplyRecipient, of id: Int64, acceptedAt: Timestamp
    ) -> OutgoingReply {
        let record = self[id].record
        let reply = OutgoingReply(
            id: Int64(replies.count + 1),
            messageID: ReplyID.make(
                kind: record.job.kind, reference: record.job.reference, recipient: recipient, number: record.replyCount),
            recipient: recipient, kind: record.job.kind, outcome: outcome, amount: record.job.amount, acceptedAt: acceptedAt, body: body)
        replies.append(StoredReply(reply: reply, job: id, number: record.replyCount))
        return reply
    }
}
