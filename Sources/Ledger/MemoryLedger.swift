package import JobModel
private import Synchronization

/// A ledger that forgets everything with its process: for tests and simulations, and the yardstick for the stores that do not.
///
/// Plain on purpose. Every other store must return the same results, ids included, for the same sequence of calls.
package final class MemoryLedger: Ledger {
    private let state = Mutex(State())

    package init() {}

    /// Every job at this moment, for those who check the others.
    package var records: [JobRecord] { state.withLock { $0.entries.map(\.record) } }

    package func claim(_ claim: Claim) async throws(LedgerError) -> ClaimResult {
        try state.withLock { state throws(LedgerError) in
            try state.checkOpen()
            return state.claim(claim)
        }
    }

    package func update(_ update: Update) async throws(LedgerError) -> UpdateResult {
        try state.withLock { state throws(LedgerError) in
            try state.checkOpen()
            return state.update(update)
        }
    }

    package func markPublished(_ ids: [OutgoingReply.ID]) async throws(LedgerError) {
        try state.withLock { state throws(LedgerError) in
            try state.checkOpen()
            for id in ids where id > 0 && id <= state.replies.count { state.replies[Int(id) - 1].isPublished = true }
        }
    }

    package func unpublishedReplies(after id: OutgoingReply.ID?, limit: Int) async throws(LedgerError) -> [OutgoingReply] {
        try state.withLock { state throws(LedgerError) in
            try state.checkOpen()
            let open = state.replies.lazy.filter { !$0.isPublished && $0.reply.id > id ?? 0 }
            return open.prefix(max(0, limit)).map(\.reply)
        }
    }

    package func lastUnpublishedReply() async throws(LedgerError) -> OutgoingReply.ID? {
        try state.withLock { state throws(LedgerError) in
            try state.checkOpen()
            return state.replies.last { !$0.isPublished }?.reply.id
        }
    }

    package func takeDue(
        _ lane: JobLane, at now: Timestamp, leaseEnd: Timestamp, limit: Int
    ) async throws(LedgerError) -> DueBatch {
        try state.withLock { state throws(LedgerError) in
            try state.checkOpen()
            return DueBatch(state.takeDue(lane, at: now, leaseEnd: leaseEnd, limit: limit))
        }
    }

    package func markRequeued(_ jobs: [DueJob], at now: Timestamp) async throws(LedgerError) {
        try state.withLock { state throws(LedgerError) in
            try state.checkOpen()
            state.markRequeued(jobs, at: now)
        }
    }

    package func jobs(_ kind: JobKind, in state: JobState, limit: Int) async throws(LedgerError) -> [JobRecord] {
        try self.state.withLock { store throws(LedgerError) in
            try store.checkOpen()
            let records = store.entries.lazy.map(\.record).filter { $0.job.kind == kind && $0.progress.state == state }
            return Array(records.prefix(max(0, limit)))
        }
    }

    package func job(
        _ kind: JobKind, _ reference: String
    ) async throws(LedgerError) -> (record: JobRecord, history: [HistoryEntry])? {
        try state.withLock { state throws(LedgerError) in
            try state.checkOpen()
            guard let id = state.ids[JobKey(kind, reference)] else { return nil }
            return (state[id].record, state[id].history)
        }
    }

    package func lastExecuted(sentTo destination: String) async throws(LedgerError) -> JobRecord? {
        try state.withLock { state throws(LedgerError) in
            try state.checkOpen()
            return state.entries.suffix(Int(Self.lastExecutedSpan)).last { $0.isExecuted(at: destination) }?.record
        }
    }

    package func doubtsSentElsewhere(than destination: String) async throws(LedgerError) -> DoubtTotal {
        try state.withLock { state throws(LedgerError) in
            try state.checkOpen()
            return state.doubtsSentElsewhere(than: destination)
        }
    }

    package func codes() async throws(LedgerError) -> [CodeCount] {
        try state.withLock { state throws(LedgerError) in
            try state.checkOpen()
            return state.codes.sorted { $0.precedes($1) }
        }
    }

    package func summary() async throws(LedgerError) -> LedgerSummary {
        try state.withLock { state throws(LedgerError) in
            try state.checkOpen()
            return state.summary
        }
    }

    package func checkWritable() async throws(LedgerError) {
        try state.withLock { state throws(LedgerError) in try state.checkOpen() }
    }

    package func close() async {
        state.withLock { $0.isClosed = true }
    }
}

/// Text as databases compare it, byte by byte; Swift takes two spellings of one character for the same.
private struct JobKey: Hashable {
    let kind: JobKind
    let reference: [UInt8]

    init(_ kind: JobKind, _ reference: String) {
        self.kind = kind
        self.reference = Array(reference.utf8)
    }
}

private struct State {
    struct Entry {
        var record: JobRecord
        var askers: [Asker]
        /// How many replies had been told when the question was asked anew; the current round's are those behind it.
        var repliesBefore = 0
        let purchase: [UInt8]?
        /// The messages that have asked, each with the round in which it did: its ``repliesBefore``.
        var questions: [(question: Claim.Question, round: Int)] = []
        /// When the job is due for the poller.
        var pollAt: Timestamp?
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

extension State {
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
        if let asker = claim.asker, !self[id].askers.contains(where: { $0.isSame(as: asker) }) { self[id].askers.append(asker) }
        note(claim, id)
        switch decision {
        case .insert, .reopen, .recall, .conflict, .refuse, .join: return .joined(owner: self[id].record.owner ?? "")
        case .resume:
            self[id].record.owner = claim.owner
            self[id].pollAt = self[id].record.progress.pollAt(isOwned: true, storedAt: claim.now)
            return .resumed(self[id].record)
        case .wait: return .waiting(repeatReply(of: id, to: claim))
        case .answer: return .answered(repeatReply(of: id, to: claim))
        }
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
        entries.append(Entry(record: record, askers: [asker], purchase: claim.purchase?.key, pollAt: pollAt, history: [claim.entry]))
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
        self[id].history.append(update.entry)
        for sighting in update.sightings { count(sighting, at: update.entry.at) }
        return .stored(tell(id, update.reply))
    }

    mutating func takeDue(_ lane: JobLane, at now: Timestamp, leaseEnd: Timestamp, limit: Int) -> [DueJob] {
        let due = entries.filter { entry in
            guard let pollAt = entry.pollAt, pollAt <= now else { return false }
            return Job.lane(entry.record.job.kind, entry.record.progress.state) == lane
        }
        let ordered = due.sorted { ($0.pollAt ?? now, $0.record.id) < ($1.pollAt ?? now, $1.record.id) }
        return ordered.prefix(max(0, limit)).map { entry in
            let record = entry.record
            self[record.id].pollAt = leaseEnd
            return DueJob(
                id: record.id, job: record.job, state: record.progress.state, traceparent: record.traceparent, leaseEnd: leaseEnd)
        }
    }

    mutating func markRequeued(_ jobs: [DueJob], at now: Timestamp) {
        for job in jobs where job.id > 0 && job.id <= entries.count && self[job.id].pollAt == job.leaseEnd {
            self[job.id].pollAt = now + DueJob.patience
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
        if let own = last.first(where: { $0.reply.asker.isSame(as: asker) }) { return [oweAgain(own.reply, claim)] }
        guard let model = last.first?.reply else { return [] }
        return [store(id, asker, model.outcome, model.body, acceptedAt: model.acceptedAt)]
    }

    /// The one reply of an earlier round of a question.
    private mutating func repeatReply(of id: Int64, to claim: Claim, round: Int) -> [OutgoingReply] {
        let own = replies.first { reply in
            reply.job == id && reply.number == round + 1 && claim.asker.map(reply.reply.asker.isSame) == true
        }
        return own.map { [oweAgain($0.reply, claim)] } ?? []
    }

    /// Whoever has waited for a run was answered by it.
    private mutating func oweAgain(_ reply: OutgoingReply, _ claim: Claim) -> OutgoingReply {
        if !claim.hasJoined { replies[Int(reply.id) - 1].isPublished = false }
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

// MARK: - Reading

extension State.Entry {
    func isExecuted(at destination: String) -> Bool {
        guard case .recharge = record.job, record.progress.state == .succeeded else { return false }
        return record.progress.sentTo.map { $0.utf8.elementsEqual(destination.utf8) } == true && record.progress.enquiries == 0
            && record.progress.answer != nil && !history.contains { $0.event == .settled }
    }
}

extension State {
    func doubtsSentElsewhere(than destination: String) -> DoubtTotal {
        entries.reduce(into: DoubtTotal()) { total, entry in
            let (job, progress) = (entry.record.job, entry.record.progress)
            guard case .recharge = job, [.sending, .inDoubt, .parked].contains(progress.state), let sentTo = progress.sentTo,
                !sentTo.utf8.elementsEqual(destination.utf8)
            else { return }
            total.count += 1
            total.amount = Money(paise: total.amount.paise + job.amount.paise)
        }
    }

    var summary: LedgerSummary {
        var summary = LedgerSummary()
        for record in entries.lazy.map(\.record) {
            summary.stored[.init(record.job.kind, record.progress.state), default: 0] += 1
            if record.progress.state == .inDoubt || record.progress.state == .parked {
                summary.doubtAmount = Money(paise: summary.doubtAmount.paise + record.job.amount.paise)
                if record.job.kind == .recharge {
                    summary.oldestDoubt = [summary.oldestDoubt, record.progress.firstSentAt].compactMap { $0 }.min()
                }
            }
            if record.owner == nil, !record.progress.state.isFinal, !record.progress.state.isLeftToPerson {
                summary.oldestDue = [summary.oldestDue, record.progress.dueAt].compactMap { $0 }.min()
            }
        }
        summary.unpublishedReplies = replies.count { !$0.isPublished }
        return summary
    }
}
