private import CSQLite
import Foundation
import GRDB
import GRDBSQLite
import Glibc
import JobModel
import Ledger

/// Opens the ledger's file. No other code opens it.
enum LedgerFile {
    enum Access {
        /// Creates and migrates the file.
        case owner
        /// Writes to a file that its owner has migrated.
        case guest
        case reader
        /// Reads a ledger that an older version has written, too.
        case keeper

        var writes: Bool {
            switch self {
            case .owner, .guest: true
            case .reader, .keeper: false
            }
        }
    }

    /// - Throws: ``LedgerError``, or an error of GRDB.
    static func open(_ configuration: SQLiteLedger.Configuration, as access: Access) throws -> DatabaseQueue {
        let path = configuration.path
        if access.writes { try CorruptionMarker.check(path) }
        if access == .owner {
            try create(path, onRepair: configuration.onRepair)
        } else if Glibc.access(path, F_OK) != 0 {
            throw LedgerError.unavailable("\(path) does not exist: start bos-worker once, it creates the file")
        }
        var settings = GRDB.Configuration()
        settings.label = "ledger"
        settings.readonly = !access.writes
        // Rows that refer to a job are written in a transaction that has read or written the job. Tests check all references.
        settings.foreignKeysEnabled = false
        settings.busyMode = .timeout(Double(configuration.busyTimeout.wholeMilliseconds) / 1_000)
        let queue = try DatabaseQueue(path: path, configuration: settings)
        // Before anything is written, so that a copy and a newer version's file stay unchanged.
        try queue.inDatabase { database in
            if access.writes { try CopyMark.refuse(database, path: path) }
            guard try !CopyMark.hasNewerSchema(database) else { throw newer(path) }
            if access != .owner { try checkSchema(of: database, path: path, mayBeOlder: access == .keeper) }
            if access.writes { try prepare(database, path: path) }
        }
        if access == .owner { try Schema.migrator.migrate(queue) }
        return queue
    }

    /// SQLite's memory statistics take a lock for each allocation. Evaluated before the first connection of the process.
    static let disableMemoryStatistics: Void = bos_sqlite_count_no_memory()

    /// The file's only path without symbolic links, so that two spellings cannot give two workers two locks for one ledger.
    /// - Returns: if the file does not exist yet, the path in its resolved folder.
    static func realPath(_ path: String) -> String {
        if let whole = resolved(path) { return whole }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard let name = parts.last, !name.isEmpty else { return path }
        let folder = parts.count == 1 ? "." : parts.dropLast().joined(separator: "/")
        return resolved(folder.isEmpty ? "/" : folder).map { $0 == "/" ? "/\(name)" : "\($0)/\(name)" } ?? path
    }

    private static func resolved(_ path: String) -> String? {
        guard let whole = realpath(path, nil) else { return nil }
        defer { free(whole) }
        return String(cString: whole)
    }

    /// Creates the file so that only its owner can read it, and makes existing files private: they contain subscribers' numbers. SQLite
    /// gives new files beside it the same mode.
    private static func create(_ path: String, onRepair: (String) -> Void) throws(LedgerError) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure(of: path, code: errno) }
        defer { Glibc.close(descriptor) }
        try makePrivate(descriptor, path: path, onRepair: onRepair)
        for beside in ["-wal", "-shm"].map({ path + $0 }) {
            let descriptor = Glibc.open(beside, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0 else {
                if errno == ENOENT { continue }
                throw failure(of: beside, code: errno)
            }
            defer { Glibc.close(descriptor) }
            try makePrivate(descriptor, path: beside, onRepair: onRepair)
        }
    }

    private static func makePrivate(_ descriptor: Int32, path: String, onRepair: (String) -> Void) throws(LedgerError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(of: path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .unavailable("\(path) is not a regular file") }
        guard status.st_nlink <= 1 else {
            throw .unavailable(
                "\(path) has another name, a hard link, under which a second worker could use the same file: remove all names but one")
        }
        guard status.st_mode & 0o077 != 0 else { return }
        guard fchmod(descriptor, 0o600) == 0 else {
            throw .unavailable(
                "\(path) can be read by other users of this machine (mode \(String(status.st_mode & 0o777, radix: 8))), and this user may not "
                    + "change that: give the file to the worker's user, then chmod 600")
        }
        onRepair(
            "\(path) could be read by other users of this machine (mode \(String(status.st_mode & 0o777, radix: 8))); it has mode 600 now. It contains "
                + "subscribers' numbers: find out who has read it")
    }

    private static func failure(of path: String, code: Int32) -> LedgerError {
        let reason = String(cString: strerror(code))
        return switch code {
        case ENOENT: .unavailable("\(path): the folder does not exist; create it, writable for the user of this process")
        case ELOOP: .unavailable("\(path) is a symbolic link: name the file itself")
        case EACCES, EROFS, EPERM: .readOnly("\(path): \(reason)")
        case ENOSPC, EDQUOT: .diskFull("\(path): \(reason)")
        default: .unavailable("\(path): \(reason)")
        }
    }

    private static func prepare(_ database: Database, path: String) throws {
        let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
        guard mode == "wal" else {
            throw LedgerError.unavailable("\(path): its file system cannot do write-ahead logging; put it on a local disk")
        }
        // FULL: a commit returns once it is on disk. The size limit is in bytes; a log that grew during a long read is cut back to it.
        // Some builds of SQLite overwrite deleted content with zeros. The ledger deletes nothing secret, so this is off.
        try database.execute(
            sql: "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 8388608; PRAGMA secure_delete = OFF")
    }

    private static func checkSchema(of database: Database, path: String, mayBeOlder: Bool) throws {
        guard try !Schema.migrator.appliedIdentifiers(database).isEmpty else {
            throw LedgerError.unavailable("\(path) is new: its worker has not written to it yet; start bos-worker, or wait a moment")
        }
        guard try mayBeOlder || Schema.migrator.hasCompletedMigrations(database) else {
            throw LedgerError.unavailable(
                "\(path): written by an older version; the ledger's worker migrates it at its next start, "
                    + "and a copy can be read by the version that wrote it")
        }
    }

    private static func newer(_ path: String) -> LedgerError {
        .newerSchema("\(path): install the version that wrote it, or a later one")
    }
}
