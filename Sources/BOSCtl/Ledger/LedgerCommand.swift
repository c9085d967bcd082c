import ArgumentParser
import Ledger
import LedgerSQLite

/// `bosctl ledger`: it copies, checks and restores the ledger.
struct LedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract: "Copies, checks and restores the ledger.",
        subcommands: [LedgerBackupCommand.self, LedgerVerifyCommand.self, LedgerRestoreCommand.self])
}

extension LedgerAccess {
    /// Runs `body` with a keeper of ledgers.
    /// - Throws: ``CommandFailure/ledgerFile(_:)``, or what `body` throws.
    func keeping<Value>(_ body: (LedgerKeeper) async throws -> Value) async throws -> Value {
        do {
            let keeper = try LedgerKeeper()
            defer { keeper.stop() }
            return try await body(keeper)
        } catch let error as LedgerError {
            throw CommandFailure.ledgerFile(error)
        }
    }
}

/// Numbers of bytes for operators.
enum SizeText {
    static func bytes(_ count: Int) -> String {
        guard count >= 1_024 else { return "\(count) B" }
        let units = ["KiB", "MiB", "GiB", "TiB"]
        var (value, unit) = (Double(count) / 1_024, 0)
        while value >= 1_024, unit < units.count - 1 { (value, unit) = (value / 1_024, unit + 1) }
        return "\(Decimals.text(value, digits: value < 10 ? 1 : 0)) \(units[unit])"
    }
}
