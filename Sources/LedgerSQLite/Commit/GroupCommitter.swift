import DedicatedThread
import Foundation
import GRDB
import GRDBSQLite
import Ledger

/// Owns the database on the ledger's thread, and commits operations in groups.
actor GroupCommitter {
    /// The greatest number of operations in one transaction, so that no caller waits more than a few milliseconds for the operations of others.
    static let maximumGroup = 512

    private let thread: DedicatedThread
    private let path: String
    private let onCommit: @Sendable (Duration, _ rows: Int) -> Void
    private var queue: DatabaseQueue?
    private var session: LedgerSession?
    /// `nil` for a read-only ledger.
    private var files: LedgerFiles?
    /// The damage that this or another process has found. A ledger with damage in one place is not trusted anywhere: nothing more is written.
    private var damage: LedgerError?

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(thread: DedicatedThread, path: String, onCommit: @escaping @Sendable (Duration, _ rows: Int) -> Void) {
        self.thread = thread
        self.path = path
        self.onCommit = onCommit
    }

    func open(_ configuration: SQLiteLedger.Configuration, as access: LedgerFile.Access) throws(LedgerError) {
        let queue: DatabaseQueue
        do {
            queue = try LedgerFile.open(configuration, as: access)
        } catch {
            throw LedgerError(error, path: path, systemError: 0)
        }
        do {
            session = try queue.inDatabase { try LedgerSession($0) }
            if access != .reader { files = try LedgerFiles(path: path) }
            self.queue = queue
        } catch {
            throw failure(error, in: queue)
        }
    }

    /// Performs the group in one transaction, and resumes its callers once it is on disk.
    func commit(_ group: [LedgerOperation]) {
        guard group.contains(where: \.writes), let damage = knownDamage() else { return write(group) }
        for operation in group where operation.writes { operation.fail(damage) }
        write(group.filter { !$0.writes })
    }

    private func write(_ group: [LedgerOperation]) {
        guard !group.isEmpty else { return }
        guard let queue, let session else {
            for operation in group { operation.fail(.closed) }
            return
        }
        let writes = group.contains(where: \.writes)
        var resumptions: [@Sendable () -> Void] = []
        resumptions.reserveCapacity(group.count)
        var rows: Int32 = 0
        let start = ContinuousClock.now
        do {
            try queue.inDatabase { database in
                try session.transaction(writes: writes, in: database) {
                    let before = sqlite3_total_changes(database.sqliteConnection)
                    for operation in group { resumptions.append(try Self.perform(operation, in: session)) }
                    try session.flushCounters()
                    rows = sqlite3_total_changes(database.sqliteConnection) &- before
                    // Before the commit, so that a refused group has changed nothing. This takes three system calls a group, beside a commit that
                    // waits for the disk. The next write notices a file that is removed after this check; the health sample writes every few seconds.
                    if writes { try files?.check() }
                }
            }
        } catch {
            let failure = failure(error, in: queue)
            for operation in group { operation.fail(failure) }
            return
        }
        if rows > 0 { onCommit(ContinuousClock.now - start, Int(rows)) }
        WakeUps.batched {
            for resume in resumptions { resume() }
        }
    }

    /// An unreadable row fails only the operation that needs it. That operation has written nothing, so the rest of the group goes on.
    /// - Returns: a closure that resumes the operation's caller.
    private static func perform(_ operation: LedgerOperation, in session: LedgerSession) throws -> @Sendable () -> Void {
        do {
            return try operation.perform(session)
        } catch let error as LedgerError {
            return { operation.fail(error) }
        }
    }

    /// Commits all pending operations, then closes the database.
    func finish(_ pending: PendingOperations) {
        while let group = pending.next(Self.maximumGroup) { commit(group) }
        close()
    }

    func close() {
        session = nil
        // Everything is written. If closing fails, the next start of the program tidies up the files.
        try? queue?.close()
        queue = nil
    }

    private func failure(_ error: any Error, in queue: DatabaseQueue) -> LedgerError {
        let systemError = queue.inDatabase { sqlite3_system_errno($0.sqliteConnection) }
        let failure = (error as? LostLedgerFile).map { lost($0, in: queue) } ?? LedgerError(error, path: path, systemError: systemError)
        if case .damaged = failure, damage == nil {
            damage = failure
            // A reader changes nothing.
            if !queue.configuration.readonly { CorruptionMarker.set(on: path, because: failure) }
        }
        return failure
    }

    /// Saves the commits that can be saved. Nothing more is written and the ledger is marked, even if all commits were saved: the program that has
    /// removed a file may do so again, perhaps just before this process is killed, and then a recharge would be sent twice. The operator has to
    /// stop that program first.
    private func lost(_ file: LostLedgerFile, in queue: DatabaseQueue) -> LedgerError {
        let isSaved =
            file.canBeSaved
            && (try? queue.inDatabase { database in
                let frames = try database.checkpoint(.full)
                return frames.checkpointedFrameCount == frames.walFrameCount
            }) == true
        return file.error(isSaved: isSaved)
    }

    private func knownDamage() -> LedgerError? {
        do {
            try CorruptionMarker.check(path)
            // There is no marker although this process has found damage: the disk has refused it, or it was removed.
            if let damage { CorruptionMarker.set(on: path, because: damage) }
        } catch {
            damage = damage ?? error
        }
        return damage
    }
}
