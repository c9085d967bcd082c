import JobModel

/// Text as databases compare it, byte by byte; Swift takes two spellings of one character for the same.
struct JobKey: Hashable {
    let kind: JobKind
    let reference: [UInt8]

    init(_ kind: JobKind, _ reference: String) {
        self.kind = kind
        self.reference = Array(reference.utf8)
    }
}

/// What the ledger in memory remembers.
struct MemoryState {
    struct Entry {
        var record: JobRecord
        var askers: [Asker]
        /// How many replies had been told when the question was asked anew; the current round's are those behind it.
        var repliesBefore = 0
        var purchase: [UInt8]?
        /// The messages that have asked, each with the round in which it did: its ``repliesBefore``.
        var questions: [(question: Claim.Question, round: Int)] = []
        /// When the job is due for the poller.
        var pollAt: Timestamp?
        /// The ledger has put it on its queue, and no run has taken it up since.
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
    var isClosed = false

    subscript(id: Int64) -> Entry {
        get { entries[Int(id) - 1] }
        set { entries[Int(id) - 1] = newValue }
    }

    func checkOpen() throws(LedgerError) {
        if isClosed { throw .closed }
    }
}

// MARK: - Writing

extension MemoryState {
    mutating func claim(_ claim: Claim) -> ClaimResult {
        let key = JobKey(claim.job.kind, claim.job.reference)
        let id = ids[key]
        let own = id.flatMap { id in claim.asker.flatMap { asker in lastReplies(of: id).first { $0.reply.asker.isSame(as: asker) } } }
        let message = ClaimResult.Message(
            claim, askedIn: id.flatMap { round(of: claim, $0) }, current: id.map { self[$0].repliesBefore } ?? 0,
            owesAsker: own?.isPublished == false)
        let decision = ClaimResult.decide(claim, on: id.map { self[$0].record }, message)
        guard let id else { return claim.asker.map { insert(claim, $0, as: key) } ?? .unknown }
        if let entry = claim.entry(for: decision) { self[id].history.append(entry) }
        if decision == .conflict { return .conflict }
        if decision == .recall { return .answered(round(of: claim, id).map { repeatReply(of: id, to: claim, round: $0) } ?? []) }
        if decision == .reopen, let asker = claim.asker { return reopen(id, claim, asker) }
        if decision == .waitForRun { return .joined(owner: self[id].record.owner ?? "", isTold: false) }
        add(claim.asker, id)
        note(claim, id)
        switch decision {
        case .insert, .reopen, .recall, .conflict, .refuse, .waitForRun, .join:
            let isTold = claim.asker.map { asker in self[id].askers.contains { $0.isSame(as: asker) } } ?? false
            let told = isTold && own == nil ? repeatReply(of: id, to: claim) : []
            return .joined(owner: self[id].record.owner ?? "", isTold: isTold, told)
        case .replace: return .resumed(replace(id, claim))
        case .resume:
            self[id].record.owner = claim.owner
            self[id].isInQueue = false
            self[id].pollAt = self[id].record.progress.pollAt(isOwned: true, storedAt: claim.now)
            return .resumed(self[id].record)
        case .wait: return .waiting(repeatReply(of: id, to: claim))
        case .answer: return .answered(repeatReply(of: id, to: claim))
        }
    }

    private mutating func add(_ asker: Asker?, _ id: Int64) {
        guard let asker, !self[id].askers.contains(where: { $0.isSame(as: asker) }) else { return }
        if self[id].askers.count < Claim.maximumAskers { self[id].askers.append(asker) }
    }

    /// Has the question go on with the claim's content.
    private mutating func replace(_ id: Int64, _ claim: Claim) -> JobRecord {
        let old = self[id].record
        let record = JobRecord(
            id: id, job: claim.job, fingerprint: claim.fingerprint, traceparent: old.traceparent, acceptedAt: claim.now,
            progress: Progress(), owner: claim.owner, repliesTold: old.repliesTold)
        self[id].record = record
        self[id].isInQueue = false
        self[id].pollAt = record.progress.pollAt(isOwned: true, storedAt: claim.now)
        return record
    }

    /// The round in which the claim's message has asked before.
    private func round(of claim: Claim, _ id: Int64) -> Int? {
        guard let question = claim.question else { return nil }
        return self[id].questions.first { $0.question.isSame(as: question) }?.round
    }

    /// Remembers that the message has asked in this round.
    private mutating func note(_ claim: Claim, _ id: Int64) {
        guard let question = claim.question else { return }
        self[id].questions.removeAll { $0.question.isSame(as: question) }
        self[id].questions.append((question, self[id].repliesBefore))
    }

    private mutating func insert(_ claim: Claim, _ asker: Asker, as key: JobKey) -> ClaimResult {
        if let earlier = claim.purchase.flatMap({ repeated($0) }) { return .repeats(reference: earlier) }
        let record = JobRecord(
            id: Int64(entries.count + 1), job: claim.job, fingerprint: claim.fingerprint, traceparent: asker.traceparent,
            acceptedAt: claim.now,
            progress: claim.progress, owner: claim.firstOwner, repliesTold: 0)
        let pollAt = claim.progress.pollAt(isOwned: true, storedAt: claim.now)
        let purchase = claim.progress.state.isNeverExecuted ? nil : claim.purchase?.key
        entries.append(Entry(record: record, askers: [asker], purchase: purchase, pollAt: pollAt, history: [claim.entry]))
        note(claim, record.id)
        ids[key] = record.id
        let told = tell(record.id, claim.reply)
        return .new(self[record.id].record, told)
    }

    /// The reference of the last job that stands in the way of this purchase.
    private func repeated(_ purchase: Claim.Purchase) -> String? {
        guard let since = purchase.notSince else { return nil }
        let earlier = entries.last { entry in
            let (progress, acceptedAt) = (entry.record.progress, entry.record.acceptedAt)
            return entry.purchase == purchase.key && !progress.state.isNeverExecuted
                && (progress.completedAt.map { $0 >= since } ?? true || acceptedAt >= since)
        }
        return earlier?.record.job.reference
    }

    private mutating func reopen(_ id: Int64, _ claim: Claim, _ asker: Asker) -> ClaimResult {
        let old = self[id]
        self[id].record = JobRecord(
            id: id, job: claim.job, fingerprint: claim.fingerprint, traceparent: asker.traceparent, acceptedAt: claim.now,
            progress: claim.progress,
            owner: claim.firstOwner, repliesTold: old.record.repliesTold)
        self[id].askers = [asker]
        self[id].isInQueue = false
        self[id].pollAt = claim.progress.pollAt(isOwned: true, storedAt: claim.now)
        self[id].repliesBefore = old.record.repliesTold
        note(claim, id)
        let told = tell(id, claim.reply)
        return .new(self[id].record, told)
    }

    mutating func update(_ update: Update) -> UpdateResult {
        let id = update.jobID
        guard id > 0, id <= entries.count, self[id].record.owner == update.owner else { return .lost }
        self[id].record.progress = update.progress
        if !update.keepsOwnership || update.progress.state.isFinal { self[id].record.owner = nil }
        self[id].pollAt = update.progress.pollAt(isOwned: self[id].record.owner != nil, storedAt: update.entry.at)
        if update.progress.state.isNeverExecuted { self[id].purchase = nil }
        self[id].history.append(update.entry)
        for sighting in update.sightings { count(sighting, at: update.entry.at) }
        return .stored(tell(id, update.reply))
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

    /// Stores one reply for each asker.
    private mutating func tell(_ id: Int64, _ reply: Reply?) -> [OutgoingReply] {
        guard let reply else { return [] }
        self[id].record.repliesTold += 1
        let (outcome, body, acceptedAt) = (reply.verdict.outcome, reply.body, self[id].record.acceptedAt)
        let askers = self[id].askers.sorted { $0.precedes($1) }
        return askers.map { store(id, $0, outcome, body, acceptedAt: acceptedAt) }
    }

    /// What the askers of this round were told last.
    private func lastReplies(of id: Int64) -> [StoredReply] {
        let number = self[id].record.repliesTold
        return number > self[id].repliesBefore ? replies.filter { $0.job == id && $0.number == number } : []
    }

    /// The round's last reply, if any, for an asker who may have come after it.
    private mutating func repeatReply(of id: Int64, to claim: Claim) -> [OutgoingReply] {
        guard let asker = claim.asker else { return [] }
        let last = lastReplies(of: id)
        if let own = last.first(where: { $0.reply.asker.isSame(as: asker) }) { return claim.hasJoined ? [] : [oweAgain(own.reply)] }
        guard let model = last.first?.reply else { return [] }
        return [store(id, asker, model.outcome, model.body, acceptedAt: model.acceptedAt)]
    }

    /// The end of an earlier round of a question.
    private mutating func repeatReply(of id: Int64, to claim: Claim, round: Int) -> [OutgoingReply] {
        let own = replies.first { reply in
            reply.job == id && reply.number > round && reply.reply.isFinal && claim.asker.map(reply.reply.asker.isSame) == true
        }
        return own.map { [oweAgain($0.reply)] } ?? []
    }

    private mutating func oweAgain(_ reply: OutgoingReply) -> OutgoingReply {
        replies[Int(reply.id) - 1].isPublished = false
        return reply
    }

    private mutating func store(
        _ id: Int64, _ asker: Asker, _ outcome: Outcome, _ body: [UInt8], acceptedAt: Timestamp
    ) -> OutgoingReply {
        let record = self[id].record
        let reply = OutgoingReply(
            id: Int64(replies.count + 1),
            messageID: ReplyID.make(
                kind: record.job.kind, reference: record.job.reference, asker: asker, number: record.repliesTold),
            asker: asker, kind: record.job.kind, outcome: outcome, amount: record.job.amount, acceptedAt: acceptedAt, body: body)
        replies.append(StoredReply(reply: reply, job: id, number: record.repliesTold))
        return reply
    }
}
