import Daemon
import Glibc
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
        try await using({ () async throws(LedgerError) in try await SQLiteLedger.openReadOnly(path: path) }, body)
    }

    /// For commands that change a job; the worker may be running.
    func writing<Value>(_ body: (any Ledger) async throws -> Value) async throws -> Value {
        let configuration = SQLiteLedger.Configuration(path: path, owner: "bosctl-\(getpid())")
        return try await using({ () async throws(LedgerError) in try await SQLiteLedger.openShared(configuration) }, body)
    }

    private func using<Value>(
        _ open: () async throws(LedgerError) -> SQLiteLedger, _ body: (any Ledger) async throws -> Value
    ) async throws -> Value {
        do {
            let ledger = try await open()
            do {
                let value = try await body(ledger)
                await ledger.close()
                return value
            } catch {
                await ledger.close()
                throw error
            }
        } catch let error as LedgerError {
            throw CommandFailure.ledger(path: path, error)
        }
    }
}
