import DedicatedThread
package import JobModel
package import Ledger
import Synchronization

/// The ledger in one SQLite file: for one worker, with pollers and people's tools beside it.
///
/// Callers append what they want done and suspend; the ledger's own thread takes everything that waits, does it in one transaction
/// and resumes them all once it is on disk. While one commit is under way the next group gathers, so the busier it is, the fewer
/// commits a job costs. A caller that is cancelled still waits: what was handed over is written.
package final class SQLiteLedger: Ledger {
    package struct Configuration: Sendable {
        /// The file; its folder must exist.
        package var path: String
        /// Names this process in the lock beside the file.
        package var owner: String
        /// How long another connection, a person's `sqlite3` for instance, may hold the file before writes fail as ``LedgerError/locked(_:)``.
        package var busyTimeout = Duration.seconds(5)
        /// Told what was not as it should be and was mended while the file was opened: a sentence for people.
        package var onMended: @Sendable (String) -> Void = { _ in }

        package init(path: String, owner: String) {
            self.path = path
            self.owner = owner
        }
    }

    private let thread: DedicatedThread
    private let committer: GroupCommitter
    private let waiting: WaitingErrands
    private let lock: LedgerLock?

    private init(thread: DedicatedThread, committer: GroupCommitter, lock: LedgerLock?) {
        self.thread = thread
        self.committer = committer
        self.lock = lock
        let waiting = WaitingErrands()
        self.waiting = waiting
        thread.setTurn {
            while let group = waiting.next(GroupCommitter.maximumGroup) { committer.assumeIsolated { $0.commit(group) } }
            return .forJobs
        }
    }

    /// For the worker: takes the lock, opens the file or creates it, and brings it up to date. The ledger is in use until ``close()``.
    /// - Parameter onCommit: called on the ledger's thread after each commit with its duration and how many rows it changed.
    package static func open(
        _ configuration: Configuration, onCommit: @escaping @Sendable (Duration, _ rows: Int) -> Void = { _, _ in }
    ) async throws(LedgerError) -> SQLiteLedger {
        try await open(configuration, .owner, onCommit: onCommit)
    }

    /// For a poller or a person's tool: opens a file that a worker has brought up to date, for short writes beside it.
    package static func openShared(_ configuration: Configuration) async throws(LedgerError) -> SQLiteLedger {
        try await open(configuration, .guest, onCommit: { _, _ in })
    }

    /// Opens the file to look at it while a worker may be using it: no lock, and every write throws ``LedgerError/readOnly(_:)``.
    package static func openReadOnly(path: String) async throws(LedgerError) -> SQLiteLedger {
        try await open(Configuration(path: path, owner: ""), .reader, onCommit: { _, _ in })
    }

    private static func open(
        _ configuration: Configuration, _ access: LedgerFile.Access, onCommit: @escaping @Sendable (Duration, _ rows: Int) -> Void
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
            try await committer.open(configuration, access)
        } catch {
            await committer.close()
            thread.stop()
            throw error
        }
        return SQLiteLedger(thread: thread, committer: committer, lock: lock)
    }

    /// The name that this ledger got when its file was made: no other has it, and a copy keeps it.
    package func identity() async throws(LedgerError) -> String {
        try await perform(writes: false) { try $0.identity() }
    }

    package func close() async {
        guard waiting.close() else { return }
        await committer.finish(waiting)
        // The thread has nothing left to do, so this wait is a matter of microseconds.
        thread.stop()
        lock?.release()
    }

    /// Closes it when `body` is done with it, however that ends.
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
            let errand = Errand(writes: writes, continuation, body)
            guard waiting.append(errand) else { return errand.fail(.closed) }
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

    /// Looks without a lock, for there is nearly always nothing to do.
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
        _ kind: JobKind, _ reference: String
    ) async throws(LedgerError) -> (record: JobRecord, history: [HistoryEntry])? {
        try await perform(writes: false) { try $0.job(kind, reference) }
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

    package func summary() async throws(LedgerError) -> LedgerSummary {
        try await perform(writes: false) { try $0.summary() }
    }

    package func checkWritable() async throws(LedgerError) {
        try await perform(writes: true) { try $0.checkWritable() }
    }
}
