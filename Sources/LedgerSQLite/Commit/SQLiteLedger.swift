import DedicatedThread
package import JobModel
package import Ledger
import Synchronization

/// The ledger in one SQLite file: for one worker, with pollers and operators' tools beside it.
///
/// Callers append an operation and suspend. The ledger's thread takes all pending operations, performs them in one transaction, and resumes
/// the callers once it is on disk. The next group gathers while a commit runs, so that a busier ledger needs fewer commits for each job. A
/// cancelled caller still waits, because its operation is performed in any case.
package final class SQLiteLedger: OperatorLedger {
    package struct Configuration: Sendable {
        /// The path of the file. Its folder must exist.
        package var path: String
        /// The name of this process in the lock beside the file.
        package var owner: String
        /// How long another connection, for instance an operator's `sqlite3`, may lock the file before a write throws ``LedgerError/locked(_:)``.
        package var busyTimeout = Duration.seconds(5)
        /// Called with a sentence for the operator for each fault that was repaired while the file was opened.
        package var onRepair: @Sendable (String) -> Void = { _ in }

        package init(path: String, owner: String) {
            self.path = path
            self.owner = owner
        }
    }

    private let thread: DedicatedThread
    private let committer: GroupCommitter
    private let pending: PendingOperations
    private let lock: LedgerLock?

    private init(thread: DedicatedThread, committer: GroupCommitter, lock: LedgerLock?) {
        self.thread = thread
        self.committer = committer
        self.lock = lock
        let pending = PendingOperations()
        self.pending = pending
        thread.setTurn {
            while let group = pending.next(GroupCommitter.maximumGroup) { committer.assumeIsolated { $0.commit(group) } }
            return .forJobs
        }
    }

    /// For the worker: takes the lock, opens or creates the file, and migrates it. The lock is held until ``close()``.
    /// - Parameter onCommit: called on the ledger's thread after each commit, with its duration and the number of changed rows.
    package static func open(
        _ configuration: Configuration, onCommit: @escaping @Sendable (Duration, _ rows: Int) -> Void = { _, _ in }
    ) async throws(LedgerError) -> SQLiteLedger {
        try await open(configuration, as: .owner, onCommit: onCommit)
    }

    /// For a poller or an operator's tool: opens a file that a worker has migrated, for short writes beside that worker.
    package static func openShared(_ configuration: Configuration) async throws(LedgerError) -> SQLiteLedger {
        try await open(configuration, as: .guest, onCommit: { _, _ in })
    }

    /// Opens the file for reading, while a worker may use it. It takes no lock, and each write throws ``LedgerError/readOnly(_:)``.
    package static func openReadOnly(path: String) async throws(LedgerError) -> SQLiteLedger {
        try await open(Configuration(path: path, owner: ""), as: .reader, onCommit: { _, _ in })
    }

    private static func open(
        _ configuration: Configuration, as access: LedgerFile.Access, onCommit: @escaping @Sendable (Duration, _ rows: Int) -> Void
    ) async throws(LedgerError) -> SQLiteLedger {
        var configuration = configuration
        configuration.path = LedgerFile.realPath(configuration.path)
        try LedgerFile.checkOrigin(configuration.path)
        let lock = access == .owner ? try LedgerLock(ledger: configuration.path, owner: configuration.owner) : nil
        let thread: DedicatedThread
        do {
            thread = try DedicatedThread(name: "ledger")
        } catch {
            throw .unavailable(error.description)
        }
        let committer = GroupCommitter(thread: thread, path: configuration.path, onCommit: onCommit)
        do {
            try await committer.open(configuration, as: access)
        } catch {
            await committer.close()
            thread.stop()
            throw error
        }
        return SQLiteLedger(thread: thread, committer: committer, lock: lock)
    }

    /// The ledger's unique name. It was made with the file, and a copy of the file keeps it.
    package func identity() async throws(LedgerError) -> String {
        try await perform(writes: false) { try $0.identity() }
    }

    package func close() async {
        guard pending.close() else { return }
        await committer.finish(pending)
        // The thread is idle, so that this takes microseconds.
        thread.stop()
        lock?.release()
    }

    /// Closes the ledger after `body` has returned or thrown.
    package func closing<Value>(after body: (SQLiteLedger) async throws -> Value) async throws -> Value {
        do {
            let value = try await body(self)
            await close()
            return value
        } catch {
            await close()
            throw error
        }
    }

    private func perform<Value: Sendable>(
        writes: Bool, _ body: @escaping @Sendable (LedgerSession) throws -> Value
    ) async throws(LedgerError) -> Value {
        try await withCheckedContinuation { continuation in
            let operation = LedgerOperation(writes: writes, resuming: continuation, body)
            guard pending.append(operation) else { return operation.fail(.closed) }
            thread.wake()
        }.get()
    }
}

// MARK: - Ledger

extension SQLiteLedger {
    package func claim(_ claim: Claim) async throws(LedgerError) -> ClaimResult {
        try await perform(writes: true) { try $0.claim(claim) }
    }

    package func update(_ update: Update) async throws(LedgerError) -> UpdateResult {
        try await perform(writes: true) { try $0.update(update) }
    }

    package func markPublished(_ ids: [OutgoingReply.ID]) async throws(LedgerError) {
        try await perform(writes: true) { try $0.markPublished(ids) }
    }

    package func unpublishedReplies(after id: OutgoingReply.ID?, limit: Int) async throws(LedgerError) -> OwedReplies {
        try await perform(writes: false) { try $0.unpublishedReplies(after: id, limit: limit) }
    }

    package func lastUnpublishedReply() async throws(LedgerError) -> OutgoingReply.ID? {
        try await perform(writes: false) { try $0.lastUnpublishedReply() }
    }

    package func takeDue(_ request: DueRequest) async throws(LedgerError) -> DueBatch {
        try await perform(writes: true) { try $0.takeDue(request) }
    }

    /// Searches in a reading transaction first, because there is nearly always nothing to change.
    package func bringForward(at now: Timestamp, _ longest: LongestPauses) async throws(LedgerError) -> Int {
        let ids = try await perform(writes: false) { try $0.jobsAhead(of: now, longest) }
        if !ids.isEmpty { try await perform(writes: true) { try $0.bringForward(ids, to: now) } }
        return ids.count
    }

    package func unreadable(limit: Int) async throws(LedgerError) -> [UnreadableRow] {
        try await perform(writes: false) { try $0.unreadable(limit: limit) }
    }

    package func markRequeued(_ jobs: [DueJob], at now: Timestamp) async throws(LedgerError) {
        try await perform(writes: true) { try $0.markRequeued(jobs, at: now) }
    }

    package func jobs(_ kind: JobKind, in state: JobState, limit: Int) async throws(LedgerError) -> [JobRecord] {
        try await perform(writes: false) { try $0.jobs(kind, in: state, limit: limit) }
    }

    package func job(
        _ kind: JobKind, reference: String
    ) async throws(LedgerError) -> (record: JobRecord, history: [HistoryEntry])? {
        try await perform(writes: false) { try $0.job(kind, reference: reference) }
    }

    package func lastExecuted(sentTo destination: String) async throws(LedgerError) -> [JobRecord] {
        try await perform(writes: false) { try $0.lastExecuted(sentTo: destination) }
    }

    package func doubtsSentElsewhere(than destination: String) async throws(LedgerError) -> DoubtTotal {
        try await perform(writes: false) { try $0.doubtsSentElsewhere(than: destination) }
    }

    package func codes() async throws(LedgerError) -> [CodeCount] {
        try await perform(writes: false) { try $0.codes() }
    }

    package func pendingApplications() async throws(LedgerError) -> PendingApplications {
        try await perform(writes: false) { try $0.pendingApplications() }
    }

    package func summary() async throws(LedgerError) -> LedgerSummary {
        try await perform(writes: false) { try $0.summary() }
    }

    package func checkWritable() async throws(LedgerError) {
        try await perform(writes: true) { try $0.checkWritable() }
    }
}

// MARK: - OperatorLedger

extension SQLiteLedger {
    package func begin(_ action: OperatorAction) async throws(LedgerError) -> OperatorAction.ID {
        try await perform(writes: true) { try $0.begin(action) }
    }

    package func end(_ id: OperatorAction.ID, result: String, at now: Timestamp) async throws(LedgerError) {
        try await perform(writes: true) { try $0.end(id, result: result, at: now) }
    }

    package func actions(before id: OperatorAction.ID?, limit: Int) async throws(LedgerError) -> [RecordedAction] {
        try await perform(writes: false) { try $0.actions(before: id, limit: limit) }
    }

    package func holds() async throws(LedgerError) -> [JobLane: LaneHold] {
        try await perform(writes: false) { try $0.holds() }
    }

    package func setHold(_ hold: LaneHold?, of lane: JobLane) async throws(LedgerError) -> LaneHold? {
        try await perform(writes: true) { try $0.setHold(hold, of: lane) }
    }
}
