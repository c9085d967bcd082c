import JobModel
import Ledger
import Synchronization

/// A ledger in memory. A test can make its operations fail a number of times.
final class FaultyLedger: Ledger {
    private let ledger = MemoryLedger()
    private let failures = Mutex((claims: 0, updates: 0, marks: 0, reads: 0, lookups: 0))
    private let afterRead = Mutex<@Sendable () async -> Void>({})
    private let claimError = Mutex(LedgerError.diskFull("test"))
    private let answered = Mutex(0)
    private let beforeClaim = Mutex<@Sendable () -> Void>({})
    private let failingChecks = Mutex(0)
    private let damaged = Mutex<Set<OutgoingReply.ID>>([])

    func failClaims(_ count: Int, with error: LedgerError = .diskFull("test")) {
        claimError.withLock { $0 = error }
        failures.withLock { $0.claims = count }
    }
    /// Updates of jobs, and marks of requeued jobs.
    func failUpdates(_ count: Int) { failures.withLock { $0.updates = count } }
    /// Marks of published replies.
    func failMarks(_ count: Int) { failures.withLock { $0.marks = count } }
    /// Look-ups of single jobs.
    func failLookups(_ count: Int) { failures.withLock { $0.lookups = count } }
    /// Reads of owed replies.
    func failReads(_ count: Int) { failures.withLock { $0.reads = count } }
    func failChecks(_ count: Int) { failingChecks.withLock { $0 = count } }

    /// The rows of these owed replies cannot be read from now on.
    func damage(_ ids: Set<OutgoingReply.ID>) { damaged.withLock { $0 = ids } }

    /// Runs the action once, after owed replies were read and before the caller gets them.
    func afterRead(_ action: @escaping @Sendable () async -> Void) { afterRead.withLock { $0 = action } }

    /// Runs the action with each claim, before the claim is stored.
    func beforeClaim(_ action: @escaping @Sendable () -> Void) { beforeClaim.withLock { $0 = action } }

    /// How many claims were answered so far.
    var claims: Int { answered.withLock { $0 } }

    func claim(_ claim: Claim) async throws(LedgerError) -> ClaimResult {
        defer { answered.withLock { $0 += 1 } }
        beforeClaim.withLock { $0 }()
        if failures.withLock({ Self.take(&$0.claims) }) { throw claimError.withLock { $0 } }
        return try await ledger.claim(claim)
    }

    func update(_ update: Update) async throws(LedgerError) -> UpdateResult {
        if failures.withLock({ Self.take(&$0.updates) }) { throw .diskFull("test") }
        return try await ledger.update(update)
    }

    func markPublished(_ ids: [OutgoingReply.ID]) async throws(LedgerError) {
        if failures.withLock({ Self.take(&$0.marks) }) { throw .diskFull("test") }
        try await ledger.markPublished(ids)
    }

    func unpublishedReplies(after id: OutgoingReply.ID?, limit: Int) async throws(LedgerError) -> OwedReplies {
        if failures.withLock({ Self.take(&$0.reads) }) { throw .locked("test") }
        var replies = try await ledger.unpublishedReplies(after: id, limit: limit)
        let damaged = damaged.withLock { $0 }
        replies.unreadable = replies.replies.map(\.id).filter(damaged.contains)
        replies.replies.removeAll { damaged.contains($0.id) }
        await afterRead.withLock { action in
            defer { action = {} }
            return action
        }()
        return replies
    }

    func lastUnpublishedReply() async throws(LedgerError) -> OutgoingReply.ID? { try await ledger.lastUnpublishedReply() }

    func takeDue(_ request: DueRequest) async throws(LedgerError) -> DueBatch { try await ledger.takeDue(request) }

    func bringForward(at now: Timestamp, _ longest: LongestPauses) async throws(LedgerError) -> Int {
        try await ledger.bringForward(at: now, longest)
    }

    func unreadable(limit: Int) async throws(LedgerError) -> [UnreadableRow] { try await ledger.unreadable(limit: limit) }

    func markRequeued(_ jobs: [DueJob], at now: Timestamp) async throws(LedgerError) {
        if failures.withLock({ Self.take(&$0.updates) }) { throw .diskFull("test") }
        try await ledger.markRequeued(jobs, at: now)
    }

    func jobs(_ kind: JobKind, in state: JobState, limit: Int) async throws(LedgerError) -> [JobRecord] {
        try await ledger.jobs(kind, in: state, limit: limit)
    }

    func job(_ kind: JobKind, reference: String) async throws(LedgerError) -> (record: JobRecord, history: [HistoryEntry])? {
        if failures.withLock({ Self.take(&$0.lookups) }) { throw .locked("test") }
        return try await ledger.job(kind, reference: reference)
    }

    func lastExecuted(sentTo destination: String) async throws(LedgerError) -> [JobRecord] {
        try await ledger.lastExecuted(sentTo: destination)
    }

    func doubtsSentElsewhere(than destination: String) async throws(LedgerError) -> DoubtTotal {
        try await ledger.doubtsSentElsewhere(than: destination)
    }

    func codes() async throws(LedgerError) -> [CodeCount] { try await ledger.codes() }

    func pendingApplications() async throws(LedgerError) -> PendingApplications { try await ledger.pendingApplications() }

    func summary() async throws(LedgerError) -> LedgerSummary { try await ledger.summary() }
    func checkWritable() async throws(LedgerError) {
        if failingChecks.withLock({ Self.take(&$0) }) { throw .diskFull("test") }
        try await ledger.checkWritable()
    }
    func close() async { await ledger.close() }

    private static func take(_ count: inout Int) -> Bool {
        guard count > 0 else { return false }
        count -= 1
        return true
    }
}
