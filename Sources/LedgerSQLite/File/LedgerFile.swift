private import CSQLite
import Foundation
import GRDB
import GRDBSQLite
import Glibc
import JobModel
import Ledger

/// Opens the ledger's file the one way in which it may be opened.
enum LedgerFile {
    enum Access {
        /// Creates the file and brings it up to date.
        case owner
        /// Writes to a file that its owner has brought up to date.
        case guest
        case reader
    }

    /// - Throws: ``LedgerError``, or what GRDB throws.
    static func open(_ path: String, _ configuration: SQLiteLedger.Configuration, _ access: Access) throws -> DatabaseQueue {
        if access != .reader { try DamageMark.check(path) }
        if access == .owner {
            try create(path, configuration.onMended)
        } else if Glibc.access(path, F_OK) != 0 {
            throw LedgerError.unavailable("\(path) does not exist: start bos-worker once, it creates the file")
        }
        var settings = GRDB.Configuration()
        settings.label = "ledger"
        settings.readonly = access == .reader
        // What refers to a job is written in the transaction that has read or written the job; the tests look whether all hold.
        settings.foreignKeysEnabled = false
        settings.busyMode = .timeout(Double(configuration.busyTimeout.wholeMilliseconds) / 1_000)
        let queue = try DatabaseQueue(path: path, configuration: settings)
        if access != .owner { try queue.inDatabase { try checkSchema($0, path) } }
        if access != .reader { try queue.inDatabase { try prepare($0, path) } }
        if access == .owner { try Schema.migrator.migrate(queue) }
        return queue
    }

    /// Before the first connection of the process.
    static let countNoMemory: Void = bos_sqlite_count_no_memory()

    /// The file's one path: two spellings, or a symbolic link, must not give two workers two locks for one ledger.
    /// - Returns: `path` itself where nothing is there yet.
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

    /// Creates the file for its owner alone, and sees that it and the files beside it are no one else's to read: subscriber numbers stand in
    /// them. SQLite gives new files beside it the same mode.
    private static func create(_ path: String, _ onMended: (String) -> Void) throws(LedgerError) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure(path, errno) }
        defer { Glibc.close(descriptor) }
        try makePrivate(descriptor, path, onMended)
        for beside in ["-wal", "-shm"].map({ path + $0 }) {
            let descriptor = Glibc.open(beside, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0 else {
                if errno == ENOENT { continue }
                throw failure(beside, errno)
            }
            defer { Glibc.close(descriptor) }
            try makePrivate(descriptor, beside, onMended)
        }
    }

    private static func makePrivate(_ descriptor: Int32, _ path: String, _ onMended: (String) -> Void) throws(LedgerError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .unavailable("\(path) is no regular file") }
        guard status.st_nlink <= 1 else {
            throw .unavailable(
                "\(path) has another name, a hard link: under that one a second worker could use the same file; remove all names but one")
        }
        guard status.st_mode & 0o077 != 0 else { return }
        guard fchmod(descriptor, 0o600) == 0 else {
            throw .unavailable(
                "\(path) may be read by other users of this machine (mode \(String(status.st_mode & 0o777, radix: 8))) and is not this user's "
                    + "to change: give it to the worker's user, then chmod 600")
        }
        onMended(
            "\(path) could be read by other users of this machine (mode \(String(status.st_mode & 0o777, radix: 8))); it has mode 600 now. Subscriber "
                + "numbers stand in it: find out who has read it")
    }

    private static func failure(_ path: String, _ code: Int32) -> LedgerError {
        let reason = String(cString: strerror(code))
        return switch code {
        case ENOENT: .unavailable("\(path): the folder does not exist; create it, writable for the user of this process")
        case ELOOP: .unavailable("\(path) is a symbolic link: name the file itself")
        case EACCES, EROFS, EPERM: .readOnly("\(path): \(reason)")
        case ENOSPC, EDQUOT: .diskFull("\(path): \(reason)")
        default: .unavailable("\(path): \(reason)")
        }
    }

    private static func prepare(_ database: Database, _ path: String) throws {
        // Refused before anything is written, so that the newer version finds its file as it was.
        guard try !Schema.migrator.hasBeenSuperseded(database) else { throw newer(path) }
        let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
        guard mode == "wal" else {
            throw LedgerError.unavailable("\(path): its file system cannot do write-ahead logging; put it on a local disk")
        }
        // FULL: a commit returns once it is on disk. The log is cut back to this size, in bytes, once a reader has let it grow.
        // Nothing secret is ever deleted, so nothing deleted is overwritten with zeros, as some builds of SQLite do.
        try database.execute(
            sql: "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 8388608; PRAGMA secure_delete = OFF")
    }

    private static func checkSchema(_ database: Database, _ path: String) throws {
        guard try !Schema.migrator.hasBeenSuperseded(database) else { throw newer(path) }
        guard try !Schema.migrator.appliedIdentifiers(database).isEmpty else {
            throw LedgerError.unavailable("\(path) is new: its worker has not written to it yet; start bos-worker, or wait a moment")
        }
        guard try Schema.migrator.hasCompletedMigrations(database) else {
            throw LedgerError.unavailable(
                "\(path): written by an older version; the worker whose ledger it is brings it up to date when it starts, "
                    + "and a copy is read with the version that wrote it")
        }
    }

    private static func newer(_ path: String) -> LedgerError {
        .newerSchema("\(path): install the version that wrote it, or one after it")
    }
}
