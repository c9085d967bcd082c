import Daemon
import Ledger
import LedgerSQLite

/// The worker's ledger, opened beside the worker for as long as one command needs it.
struct LedgerAccess: Sendable {
    let path: String

    init(_ settings: LedgerSettings) throws(CommandFailure) {
        switch settings.url {
        case .sqlite(let path): self.path = path
        case .postgreSQL: throw .setup(.postgreSQLNotBuilt)
        }
    }

    /// For commands that only look.
    func reading<Value>(_ body: (any Ledger) async throws -> Value) async throws -> Value {
        try await using({ () async throws(LedgerError) in try await SQLiteLedger.openReadOnly(path: path) }, body: body)
    }

    /// For commands that change a job; the worker may be running.
    func writing<Value>(_ body: (any Ledger) async throws -> Value) async throws -> Value {
        let configuration = SQLiteLedger.Configuration(path: path, owner: ProcessName.make("bosctl"))
        return try await using({ () async throws(LedgerError) in try await SQLiteLedger.openShared(configuration) }, body: body)
    }

    /// The name of the ledger, by which the broker's virtual host knows whose it is.
    func identity() async throws -> String {
        try await SQLiteLedger.openReadOnly(path: path).closing { try await $0.identity() }
    }

    private func using<Value>(
        _ open: () async throws(LedgerError) -> SQLiteLedger, body: (any Ledger) async throws -> Value
    ) async throws -> Value {
        do {
            return try await open().closing(after: body)
        } catch let error as LedgerError {
            throw CommandFailure.ledger(path: path, error)
        }
    }
}

extension LedgerAccess {
    /// Prints a line for each row of the ledger that cannot be read.
    func printUnreadableRows(limit: Int, to console: Console) async throws {
        for row in try await reading({ try await $0.unreadable(limit: limit) }) { console.complain(row.advice(path)) }
    }
}

extension UnreadableRow {
    /// What a person is told of a row that cannot be read.
    fileprivate func advice(_ path: String) -> String {
        let effect =
            switch table {
            case .jobs: "the job waits and nothing is sent by it"
            case .replies: "the reply is not published"
            }
        return "\(path): row \(id) of the table \(table.rawValue) cannot be read: \(effect), all others go on; "
            + "see /usr/share/doc/bos-worker/operating.md#a-row-that-cannot-be-read"
    }
}
