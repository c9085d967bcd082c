import Daemon
import Ledger
import LedgerSQLite

/// The worker's ledger, opened beside the worker for as long as one command needs it.
struct LedgerAccess: Sendable {
    let path: String

    init(_ settings: LedgerSettings) { path = settings.url.path }

    /// For commands that only look.
    func reading<Value>(_ body: (any Ledger) async throws -> Value) async throws -> Value {
        try await using({ () async throws(LedgerError) in try await SQLiteLedger.openReadOnly(path: path) }, body)
    }

    /// For commands that change a job; the worker may be running.
    func writing<Value>(_ body: (SQLiteLedger) async throws -> Value) async throws -> Value {
        let configuration = SQLiteLedger.Configuration(path: path, owner: ProcessName.make("bosctl"))
        return try await using({ () async throws(LedgerError) in try await SQLiteLedger.openShared(configuration) }, body)
    }

    private func using<Value>(
        _ open: () async throws(LedgerError) -> SQLiteLedger, _ body: (SQLiteLedger) async throws -> Value
    ) async throws -> Value {
        do {
            return try await open().closing(after: body)
        } catch let error as LedgerError {
            throw CommandFailure.ledger(path: path, error)
        }
    }
}

extension BrokerOptions {
    /// Runs what a command does with the worker's ledger. A failure is said on the standard error and ends the process with its exit code.
    func withLedger(isJSON: Bool = false, _ body: (LedgerAccess, Settings, Console) async throws -> Void) async throws {
        let settings = try settings()
        let console = Console(isJSON: isJSON)
        do {
            try await body(LedgerAccess(settings.ledger), settings, console)
        } catch let failure as CommandFailure {
            console.complain("\(failure)")
            throw failure.exitCode
        }
    }
}
