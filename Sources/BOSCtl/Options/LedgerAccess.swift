import Daemon
import Ledger
import LedgerSQLite

/// The worker's ledger. A command opens it for as long as it needs it; the worker may be running.
struct LedgerAccess: Sendable {
    let path: String

    /// Opens the ledger for reading only, and closes it after `body`.
    /// - Throws: ``CommandFailure/ledger(path:_:)``, or what `body` throws.
    func reading<Value>(_ body: (any OperatorLedger) async throws -> Value) async throws -> Value {
        try await using({ () async throws(LedgerError) in try await SQLiteLedger.openReadOnly(path: path) }, body: body)
    }

    /// Opens the ledger beside a running worker to change a job, and closes it after `body`.
    /// - Throws: ``CommandFailure/ledger(path:_:)``, or what `body` throws.
    func writing<Value>(_ body: (SQLiteLedger) async throws -> Value) async throws -> Value {
        let configuration = SQLiteLedger.Configuration(path: path, owner: ProcessName.make("bosctl"))
        return try await using({ () async throws(LedgerError) in try await SQLiteLedger.openShared(configuration) }, body: body)
    }

    private func using<Value>(
        _ open: () async throws(LedgerError) -> SQLiteLedger, body: (SQLiteLedger) async throws -> Value
    ) async throws -> Value {
        do {
            return try await open().closing(after: body)
        } catch let error as LedgerError {
            throw CommandFailure.ledger(path: path, error)
        }
    }
}

extension LedgerAccess {
    /// Prints one sentence about each row of the ledger that cannot be decoded.
    func printUnreadableRows(limit: Int, to console: Console) async throws {
        for row in try await reading({ try await $0.unreadable(limit: limit) }) { console.complain(row.advice(path)) }
    }
}

extension UnreadableRow {
    /// What such a row costs, and where the remedy is described.
    fileprivate func advice(_ path: String) -> String {
        let effect =
            switch table {
            case .jobs: "its job waits, and nothing is sent for it"
            case .replies: "its reply is not published"
            }
        return "\(path): row \(id) of the table \(table.rawValue) cannot be read: \(effect). All other rows are unaffected. "
            + "See /usr/share/doc/bos-worker/operating.md#a-row-that-cannot-be-read"
    }
}
