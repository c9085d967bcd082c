import Foundation
import GRDB
import Glibc
import Ledger
import LedgerSQLite
import Testing

/// A folder for one test's ledger. It is removed with its content when the test ends.
final class TemporaryLedger: Sendable {
    let folder: String
    var path: String { folder + "/ledger.sqlite" }

    init() throws {
        var template = Array((NSTemporaryDirectory() + "/ledger-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw LedgerError.unavailable(String(cString: strerror(errno))) }
        // The spelling that the ledger uses.
        guard let whole = realpath(template, nil) else { throw LedgerError.unavailable(String(cString: strerror(errno))) }
        defer { free(whole) }
        folder = String(cString: whole)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func configuration(owner: String = "test") -> SQLiteLedger.Configuration {
        SQLiteLedger.Configuration(path: path, owner: owner)
    }

    func open(
        owner: String = "test", onCommit: @escaping @Sendable (Duration, _ rows: Int) -> Void = { _, _ in }
    ) async throws -> SQLiteLedger {
        try await SQLiteLedger.open(configuration(owner: owner), onCommit: onCommit)
    }

    /// Another connection to the same file, like that of an operator's `sqlite3`. It may keep a transaction open.
    func otherConnection() throws -> DatabaseQueue {
        var settings = GRDB.Configuration()
        settings.allowsUnsafeTransactions = true
        return try DatabaseQueue(path: path, configuration: settings)
    }

    /// Opens the ledger, calls `body` and closes the ledger.
    func using<Value>(_ body: (SQLiteLedger) async throws -> Value) async throws -> Value {
        try await open().closing(after: body)
    }

    /// Expects that each reply, history entry, recipient and outbox row refers to an existing row.
    func expectReferencesHold() throws {
        let dangling = try otherConnection().inDatabase { try Row.fetchAll($0, sql: "PRAGMA foreign_key_check") }
        #expect(dangling.isEmpty, "\(dangling)")
    }
}
