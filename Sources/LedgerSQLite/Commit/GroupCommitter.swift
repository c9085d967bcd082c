import DedicatedThread
import Foundation
import GRDB
import GRDBSQLite
import Ledger

/// Holds the database on the ledger's own thread and commits in groups.
actor GroupCommitter {
    /// A group this large is committed before the next is begun, so that nobody waits for more than a few milliseconds of other people's work.
    static let maximumGroup = 512

    private let thread: DedicatedThread
    private let path: String
    private let onCommit: @Sendable (Duration, _ rows: Int) -> Void
    private var queue: DatabaseQueue?
    private var session: LedgerSession?
    /// `nil` for a reader.
    private var files: LedgerFiles?
    /// What is damaged in one place is trusted in none: nothing is written any more, whichever process has found it.
    private var damage: LedgerError?

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(thread: DedicatedThread, path: String, onCommit: @escaping @Sendable (Duration, _ rows: Int) -> Void) {
        self.thread = thread
        self.path = path
        self.onCommit = onCommit
    }

    func open(_ configuration: SQLiteLedger.Configuration, _ access: LedgerFile.Access) throws(LedgerError) {
        let queue: DatabaseQueue
        do {
            queue = try LedgerFile.open(path, configuration, access)
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

    /// Does all of the group in one transaction and tells each caller once it is on disk.
    func commit(_ group: [Errand]) {
        guard group.contains(where: \.writes), let damage = knownDamage() else { return write(group) }
        for errand in group where errand.writes { errand.fail(damage) }
        write(group.filter { !$0.writes })
    }

    private func write(_ group: [Errand]) {
        guard !group.isEmpty else { return }
        guard let queue, let session else {
            for errand in group { errand.fail(.closed) }
            return
        }
        let writes = group.contains(where: \.writes)
        var reports: [@Sendable () -> Void] = []
        reports.reserveCapacity(group.count)
        var rows: Int32 = 0
        let start = ContinuousClock.now
        do {
            try queue.inTransaction(writes ? .immediate : .deferred) { database in
                session.begin()
                let before = sqlite3_total_changes(database.sqliteConnection)
                for errand in group { reports.append(try Self.report(of: errand, in: session)) }
                try session.flushTallies()
                rows = sqlite3_total_changes(database.sqliteConnection) &- before
                // Before the commit, so that a group that is refused has changed nothing. Three calls to the system per group, and each commit
                // waits for the disk. A file that is removed after this is noticed by the next write, and a sample writes every few seconds.
                if writes { try files?.check() }
                return .commit
            }
        } catch {
            let failure = failure(error, in: queue)
            for errand in group { errand.fail(failure) }
            return
        }
        if rows > 0 { onCommit(ContinuousClock.now - start, Int(rows)) }
        WakeUps.batched {
            for report in reports { report() }
        }
    }

    /// An unreadable row is the trouble of the one who asked for it: nothing was written for them, and the others go on.
    private static func report(of errand: Errand, in session: LedgerSession) throws -> @Sendable () -> Void {
        do {
            return try errand.perform(session)
        } catch let error as LedgerError {
            return { errand.fail(error) }
        }
    }

    /// Does what still waits, then lets go of the database.
    func finish(_ waiting: WaitingErrands) {
        while let group = waiting.next(Self.maximumGroup) { commit(group) }
        close()
    }

    func close() {
        session = nil
        // Nothing is left to be written here; what the last close would tidy up, the next opening does.
        try? queue?.close()
        queue = nil
    }

    private func failure(_ error: any Error, in queue: DatabaseQueue) -> LedgerError {
        let systemError = queue.inDatabase { sqlite3_system_errno($0.sqliteConnection) }
        let failure = (error as? LostLedgerFile).map { lost($0, queue) } ?? LedgerError(error, path: path, systemError: systemError)
        if case .damaged = failure, damage == nil {
            damage = failure
            // Who only looks leaves nothing behind.
            if !queue.configuration.readonly { DamageMark.set(on: path, failure) }
        }
        return failure
    }

    /// Saves what can be saved. Even if that is everything, nothing more is written and the file is marked: what has removed a file once would do so
    /// again, perhaps just before the process is killed, and then a recharge would be sent twice. A person has to stop it first.
    private func lost(_ file: LostLedgerFile, _ queue: DatabaseQueue) -> LedgerError {
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
            try DamageMark.check(path)
            // The disk did not take it, or somebody has removed it under a process that knows better.
            if let damage { DamageMark.set(on: path, damage) }
        } catch {
            damage = damage ?? error
        }
        return damage
    }
}
