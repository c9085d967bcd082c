import Foundation
import GRDB
import Glibc
import Ledger

extension LedgerFile {
    /// A wrong `ledger.url` may name any file. It is looked at before anything is written to it or beside it. A file that is not there, or
    /// is empty, may become a ledger.
    ///
    /// To be asked before the process opens the file: closing a file frees all locks that the process holds on it.
    /// - Throws: ``LedgerError`` if the file is no ledger. It was left as it was, and no file was made beside it.
    static func checkOrigin(_ path: String) throws(LedgerError) {
        countNoMemory
        guard let header = header(path), !header.isEmpty else { return }
        guard header.elementsEqual("SQLite format 3\0".utf8) else {
            throw .damaged("\(path) is no SQLite file, and was left as it was: correct ledger.url if it names another file")
        }
        let tables: Set<String>
        do {
            tables = try self.tables(path)
        } catch {
            throw LedgerError(error, path: path)
        }
        // Without a table it is a ledger whose first worker has come no further, or what that worker has written is in the log still.
        guard tables.isSubset(of: ["grdb_migrations"]) || tables.isSuperset(of: ["jobs", "askers", "outbox", "history", "tallies"]) else {
            throw .unavailable("\(path) is another program's SQLite file, and was left as it was: correct ledger.url")
        }
    }

    /// The first bytes of the file; `nil` if there is none that can be read. Then the opening says why.
    private static func header(_ path: String) -> [UInt8]? {
        // A pipe must not be waited for.
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { Glibc.close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return count < 0 ? nil : Array(bytes.prefix(count))
    }

    /// SQLite takes the file for one that is never changed: it reads without a lock and makes no file beside it. The names of the tables do
    /// not change while a ledger is in use.
    private static func tables(_ path: String) throws -> Set<String> {
        var settings = GRDB.Configuration()
        settings.readonly = true
        let name = path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? path
        let queue = try DatabaseQueue(path: "file:\(name)?immutable=1", configuration: settings)
        defer { try? queue.close() }
        return try queue.inDatabase { try String.fetchSet($0, sql: "SELECT name FROM sqlite_master WHERE type = 'table'") }
    }
}
