package import JobModel
private import Synchronization

/// A ledger in memory, for tests and simulations. It loses everything when its process ends.
///
/// It is the reference for the other stores, and therefore as plain as possible: each store must return the same results, ids included, for
/// the same sequence of calls.
package final class MemoryLedger: Ledger {
    private let state = Mutex(MemoryState())

    /// An empty ledger.
    package init() {}

    /// All jobs at this moment, for checks in tests and simulations.
    package var records: [JobRecord] { state.withLock { $0.entries.map(\.record) } }

    /// Runs `body` on the state.
    /// - Throws: ``LedgerError/closed``.
    func withOpenState<Value>(_ body: (inout MemoryState) -> Value) throws(LedgerError) -> Value {
        try state.withLock { state throws(LedgerError) in
            try state.checkOpen()
            return body(&state)
        }
    }

    package func claim(_ claim: Claim) async throws(LedgerError) -> ClaimResult {
        try withOpenState { $0.claim(claim) }
    }

    package func update(_ update: Update) async throws(LedgerError) -> UpdateResult {
        try withOpenState { $0.update(update) }
    }

    package func markPublished(_ ids: [OutgoingReply.ID]) async throws(LedgerError) {
        try withOpenState { state in
            for id in ids where id > 0 && id <= state.replies.count { state.replies[Int(id) - 1].isPublished = true }
        }
    }

    package func unpublishedReplies(after id: OutgoingReply.ID?, limit: Int) async throws(LedgerError) -> OwedReplies {
        try withOpenState { state in
            let open = state.replies.lazy.filter { !$0.isPublished && $0.reply.id > id ?? 0 }
            return OwedReplies(open.prefix(max(0, limit)).map(\.reply))
        }
    }

    package func lastUnpublishedReply() async throws(LedgerError) -> OutgoingReply.ID? {
        try withOpenState { state in state.replies.last { !$0.isPublished }?.reply.id }
    }

    package func takeDue(_ request: DueRequest) async throws(LedgerError) -> DueBatch {
        try withOpenState { DueBatch($0.takeDue(request)) }
    }

    package func bringForward(at now: Timestamp, _ longest: LongestPauses) async throws(LedgerError) -> Int {
        try withOpenState { $0.bringForward(at: now, longest) }
    }

    package func unreadable(limit: Int) async throws(LedgerError) -> [UnreadableRow] {
        try withOpenState { _ in }
        return []
    }

    package func markRequeued(_ jobs: [DueJob], at now: Timestamp) async throws(LedgerError) {
        try withOpenState { $0.markRequeued(jobs, at: now) }
    }

    package func jobs(_ kind: JobKind, in state: JobState, limit: Int) async throws(LedgerError) -> [JobRecord] {
        try withOpenState { store in
            let records = store.entries.lazy.map(\.record).filter { $0.job.kind == kind && $0.progress.state == state }
            return Array(records.prefix(max(0, limit)))
        }
    }

    package func job(
        _ kind: JobKind, reference: String
    ) async throws(LedgerError) -> (record: JobRecord, history: [HistoryEntry])? {
        try withOpenState { state in
            guard let id = state.ids[JobKey(kind, reference: reference)] else { return nil }
            return (state[id].record, state[id].history)
        }
    }

    package func lastExecuted(sentTo destination: String) async throws(LedgerError) -> [JobRecord] {
        try withOpenState { state in
            let executed = state.entries.suffix(Int(Self.lastExecutedSpan)).reversed().filter { $0.isExecuted(at: destination) }
            return executed.map(\.record).firstOfEachMerchant
        }
    }

    package func doubtsSentElsewhere(than destination: String) async throws(LedgerError) -> DoubtTotal {
        try withOpenState { $0.doubtsSentElsewhere(than: destination) }
    }

    package func codes() async throws(LedgerError) -> [CodeCount] {
        try withOpenState { state in state.codes.sorted { $0.precedes($1) } }
    }

    package func pendingApplications() async throws(LedgerError) -> PendingApplications {
        try withOpenState { $0.pendingApplications }
    }

    package func summary() async throws(LedgerError) -> LedgerSummary {
        try withOpenState { $0.summary }
    }

    package func checkWritable() async throws(LedgerError) {
        try withOpenState { _ in }
    }

    package func close() async {
        state.withLock { $0.isClosed = true }
    }
}
