import DedicatedThread
import Foundation
import GRDB
import Glibc
package import JobModel
package import Ledger

/// Copies, checks and restores ledgers, on a thread of its own: each of these reads a whole file.
///
/// A worker may use a ledger that is copied or checked. Its log grows while a command reads, and shrinks afterwards.
package actor LedgerKeeper {
    private let thread: DedicatedThread

    package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// - Throws: ``LedgerError/unavailable(_:)`` if the system cannot start a thread. Call ``stop()`` at the end.
    package init() throws(LedgerError) {
        do {
            thread = try DedicatedThread(name: "ledger-keeper")
        } catch {
            throw .unavailable(error.description)
        }
    }

    package nonisolated func stop() { thread.stop() }

    /// What is known of a ledger or of a copy without a check of every page.
    package struct Overview: Sendable, Equatable {
        /// `nil` unless the file is a marked copy.
        package var mark: CopyMark?
        package var jobs: Int
        /// The recharges that have not ended, by state.
        package var openRecharges: [JobState: DoubtTotal]
        /// The size of the file and of its log, in bytes.
        package var bytes: Int
        /// The space left on its disk for this user, in bytes.
        package var freeBytes: Int

        package init(mark: CopyMark?, jobs: Int, openRecharges: [JobState: DoubtTotal], bytes: Int, freeBytes: Int) {
            self.mark = mark
            self.jobs = jobs
            self.openRecharges = openRecharges
            self.bytes = bytes
            self.freeBytes = freeBytes
        }
    }

    package func overview(of path: String) throws(LedgerError) -> Overview {
        try reading(path) { database, path in
            var open: [JobState: DoubtTotal] = [:]
            let states = JobState.allCases.filter { !$0.isFinal }
            for state in states {
                let row = try Row.fetchOne(
                    database, sql: "SELECT total(count), total(paise) FROM tallies WHERE kind = 'recharge' AND state = ?",
                    arguments: [state.rawValue])
                guard let row, let count: Double = row[0], let paise: Double = row[1], count > 0 else { continue }
                open[state] = DoubtTotal(
                    count: Int(exactly: count) ?? .max, amount: Money(paise: Int64(exactly: paise) ?? .max))
            }
            return Overview(
                mark: try CopyMark.read(database), jobs: try Int.fetchOne(database, sql: "SELECT count(*) FROM jobs") ?? 0,
                openRecharges: open, bytes: Self.size(path) + Self.size(path + "-wal"), freeBytes: Self.freeSpace(path))
        }
    }

    /// Whether SQLite finds the file whole. It reads every page, but compares no index with its table.
    /// - Returns: the problems, none if the file is whole.
    package func quickCheck(_ path: String) throws(LedgerError) -> [String] {
        try reading(path) { database, _ in try LedgerCheck.fileProblems(database, quick: true) }
    }

    /// Checks a ledger or a copy thoroughly. It reads every row.
    package func verify(_ path: String) throws(LedgerError) -> [LedgerCheck] {
        try reading(path, as: .reader) { database, _ in
            var checks: [LedgerCheck] = []
            try database.inTransaction(.deferred) {
                checks = try LedgerCheck.all(database)
                return .commit
            }
            return checks
        }
    }

    /// Copies a ledger while a worker uses it. The copy is marked (``CopyMark``), checked, for its owner only, and on disk when this returns.
    /// - Parameters:
    ///   - file: its folder must exist, and the file must not.
    ///   - author: the person who makes the copy.
    /// - Returns: an overview of the copy.
    /// - Throws: ``LedgerError``; there is no file then.
    package func copy(_ path: String, to file: String, author: String, at now: Timestamp) throws(LedgerError) -> Overview {
        let (path, file) = (LedgerFile.realPath(path), LedgerFile.realPath(file))
        guard !file.hasPrefix(path) else {
            throw .unavailable(
                "\(file) could be taken for a file of the ledger \(path): choose a name that does not begin with the ledger's")
        }
        try writing(file) { new in
            try reading(path) { database, _ in try database.execute(sql: "VACUUM INTO ?", arguments: [new.unfinished]) }
            try Self.change(new.unfinished) { queue in
                try queue.write { try CopyMark(madeAt: now, source: path, author: author).write(to: $0) }
            }
        }
        return try overview(of: file)
    }

    /// Makes a ledger of a copy, for a worker whose ledger is lost.
    ///
    /// Each open recharge of the copy is in doubt afterwards, or left to a person as before. The new ledger has another name than the lost one.
    /// - Parameters:
    ///   - copy: stays as it is.
    ///   - path: where the ledger is to be. No file may have a name that begins with it.
    /// - Throws: ``LedgerError``; there is no ledger at the path then.
    package func restore(_ copy: String, to path: String, as restoring: Restoring) throws(LedgerError) {
        let (copy, path) = (LedgerFile.realPath(copy), LedgerFile.realPath(path))
        for suffix in ["-wal", "-shm", "-journal", ".damaged"] where NewFile.exists(path + suffix) {
            throw .unavailable("\(path)\(suffix) is a file of the lost ledger: move every file away whose name begins with \(path)")
        }
        // No worker can start with the path before the ledger is whole.
        let lock = try LedgerLock(ledger: path, owner: "bosctl of \(restoring.action.user)")
        defer { lock.release() }
        NewFile.giveToFolderOwner(path + ".lock")
        try writing(path) { new in
            try reading(copy) { database, _ in
                guard try CopyMark.read(database) != nil || restoring.takesUnmarked else {
                    throw LedgerError.unavailable(
                        "\(copy) is not marked as a copy, so a worker may be using it; --unmarked takes a copy that another program has made"
                    )
                }
                try database.execute(sql: "VACUUM INTO ?", arguments: [new.unfinished])
            }
            try Self.change(new.unfinished, by: restoring.apply)
        }
    }

    // MARK: Files

    /// Makes a file by `body`, checks it, and gives it its name. Nothing of it is left after an error.
    private func writing(_ file: String, body: (NewFile) throws -> Void) throws(LedgerError) {
        let new = try NewFile(file)
        do {
            try body(new)
            let problems = try Self.problems(in: new.unfinished)
            guard problems.isEmpty else { throw LedgerError.damaged("\(file): the copy is not whole: \(problems.joined(separator: "; "))") }
            try new.finish()
        } catch {
            new.discard()
            throw LedgerError(error, path: file)
        }
    }

    private func reading<Value>(
        _ path: String, as access: LedgerFile.Access = .keeper, body: (Database, String) throws -> Value
    ) throws(LedgerError) -> Value {
        let path = LedgerFile.realPath(path)
        try LedgerFile.checkOrigin(path)
        do {
            let queue = try LedgerFile.open(SQLiteLedger.Configuration(path: path, owner: ""), as: access)
            defer { try? queue.close() }
            return try queue.inDatabase { try body($0, path) }
        } catch {
            throw LedgerError(error, path: path)
        }
    }

    private static func change(_ path: String, by body: (DatabaseQueue) throws -> Void) throws {
        let queue = try DatabaseQueue(path: path, configuration: unfinishedConfiguration)
        defer { try? queue.close() }
        try body(queue)
    }

    private static func problems(in path: String) throws -> [String] {
        let queue = try DatabaseQueue(path: path, configuration: unfinishedConfiguration)
        defer { try? queue.close() }
        return try queue.inDatabase { database in
            try LedgerCheck.fileProblems(database) + LedgerCheck.referenceProblems(database)
        }
    }

    private static var unfinishedConfiguration: GRDB.Configuration {
        var settings = GRDB.Configuration()
        settings.foreignKeysEnabled = false
        return settings
    }

    private static func size(_ path: String) -> Int {
        (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    }

    private static func freeSpace(_ path: String) -> Int {
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        var status = statvfs()
        guard statvfs(folder.isEmpty ? "/" : folder, &status) == 0 else { return 0 }
        return Int(status.f_bavail) * Int(status.f_frsize)
    }
}
