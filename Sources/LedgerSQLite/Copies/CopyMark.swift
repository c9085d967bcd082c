import GRDB
package import JobModel
import Ledger

/// The mark of a copy of a ledger. It stands in the copy itself, so that renaming or moving the copy does not remove it.
///
/// A copy lacks what happened after it was made. A worker that started with it would send what the copy holds as not sent. So worker and
/// poller refuse a marked file; reading it is allowed.
package struct CopyMark: Sendable, Equatable {
    package var madeAt: Timestamp
    /// The path of the ledger that was copied.
    package var source: String
    /// The person who made the copy.
    package var author: String

    package init(madeAt: Timestamp, source: String, author: String) {
        self.madeAt = madeAt
        self.source = source
        self.author = author
    }

    /// A name in the table of migrations. Versions of this program that do not know the mark refuse a ledger with a migration that they do
    /// not know.
    private static let migration = "copy"

    /// - Returns: `nil` if the database is not a copy.
    static func read(_ database: Database) throws -> CopyMark? {
        guard try database.tableExists("copy") else { return nil }
        guard let row = try Row.fetchOne(database, sql: "SELECT made_at, source, author FROM copy") else {
            return CopyMark(madeAt: Timestamp(milliseconds: 0), source: "an unknown ledger", author: "an unknown person")
        }
        return CopyMark(madeAt: Timestamp(milliseconds: row[0] ?? 0), source: row[1] ?? "", author: row[2] ?? "")
    }

    func write(to database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE copy (id INTEGER PRIMARY KEY CHECK (id = 1), made_at INTEGER NOT NULL, source TEXT NOT NULL, author TEXT NOT NULL)
                STRICT
                """)
        try database.execute(sql: "INSERT INTO copy VALUES (1, ?, ?, ?)", arguments: [madeAt.milliseconds, source, author])
        try database.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES (?)", arguments: [Self.migration])
    }

    static func remove(from database: Database) throws {
        try database.execute(sql: "DROP TABLE IF EXISTS copy")
        try database.execute(sql: "DELETE FROM grdb_migrations WHERE identifier = ?", arguments: [Self.migration])
    }

    /// Whether a newer version of this program has migrated the database. The mark does not count.
    static func hasNewerSchema(_ database: Database) throws -> Bool {
        try !Schema.migrator.appliedIdentifiers(database).subtracting([migration]).isSubset(of: Schema.migrator.migrations)
    }

    /// - Throws: ``LedgerError/copy(_:)`` if the database is marked.
    static func refuse(_ database: Database, path: String) throws {
        guard let mark = try read(database) else { return }
        throw LedgerError.copy("\(path) was copied from \(mark.source) at \(mark.madeAt.rfc3339)")
    }
}
