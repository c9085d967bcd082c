import Ledger
import LedgerKit
import LedgerSQLite
import Testing

@Suite("The ledger in SQLite", .timeLimit(.minutes(2)))
struct SQLiteLedgerTests {
    @Test("keeps every promise of the ledger", arguments: LedgerPromise.all)
    func promise(_ promise: LedgerPromise) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { try await promise.check($0) }
        try temporary.expectReferencesHold()
    }

    @Test("does what the ledger in memory does, step by step", arguments: UInt64(1)...12)
    func comparison(seed: UInt64) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { try await LedgerComparison($0, MemoryLedger()).run(seed: seed, steps: 400) }
        try temporary.expectReferencesHold()
    }
}
