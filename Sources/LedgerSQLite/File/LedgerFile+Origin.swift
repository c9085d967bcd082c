import Foundation
import GRDB
import Glibc
import Ledger

extension LedgerFile {
    /// Checks that the file is a ledger, before anything is written to it or beside it: a wrong `ledger.url` may name any file. A file that does
    /// not exist or is empty may become a ledger.
    ///
    /// Call it before the process opens the file: closing a file releases all locks of the process on it.
    /// - Throws: ``LedgerError`` if the file is not a ledger. It was not changed, and no file was made beside it.
    static func checkOrigin(_ path: String) throws(LedgerError) {
        disableMemoryStatistics
        guard !path.hasSuffix(NewFile.unfinishedSuffix) else {
            throw .unavailable("\(path) is the unfinished file of a command that was interrupted: remove it")
        }
        guard let header = header(of: path), !header.isEmpty else { return }
        guard header.elementsEqual("SQLite format 3\0".utf8) else {
            throw .damaged("\(path) is not a SQLite file, and was left as it was: correct ledger.url if it names another file")
        }
        // Only a list of tables that can be read refuses the file. The main file of a healthy ledger may be unreadable without its log: a
        // checkpoint writes the first page before it extends the file, and it may be interrupted. Opening the ledger reads the log too.
        guard let tables = try? self.tables(in: path) else { return }
        // A file without tables is a ledger whose first worker was stopped early, or whose content is still in the log.
        if tables.isSubset(of: ["grdb_migrations"]) || tables.isSuperset(of: Self.firstTables) { return }
        if hasLog(path), tables.isSubset(of: Self.firstTables.union(Self.otherTables)) { return }
        throw .unavailable("\(path) is another program's SQLite file, and was left as it was: correct ledger.url")
    }

    /// The tables that every version of a ledger has.
    private static let firstTables: Set = ["jobs", "askers", "outbox", "history", "tallies"]
    private static let otherTables: Set = [
        "replies", "checks", "ledger", "questions", "codes", "actions", "holds", "restorings", "copy", "grdb_migrations", "sqlite_sequence",
    ]

    /// Whether commits wait in the log beside the file.
    private static func hasLog(_ path: String) -> Bool {
        var status = stat()
        return stat(path + "-wal", &status) == 0 && status.st_size > 0
    }

    /// The first bytes of the file; `nil` if it cannot be read. Opening it then reports the reason.
    private static func header(of path: String) -> [UInt8]? {
        // O_NONBLOCK: do not wait for a pipe.
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { Glibc.close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return count < 0 ? nil : Array(bytes.prefix(count))
    }

    /// The names of the file's tables. SQLite opens the file as immutable, so that it takes no lock and makes no file beside it. The tables'
    /// names do not change while a ledger is in use.
    private static func tables(in path: String) throws -> Set<String> {
        var settings = GRDB.Configuration()
        settings.readonly = true
        let name = path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? path
        let queue = try DatabaseQueue(path: "file:\(name)?immutable=1", configuration: settings)
        defer { try? queue.close() }
        return try queue.inDatabase { try String.fetchSet($0, sql: "SELECT name FROM sqlite_master WHERE type = 'table'") }
    }
}
