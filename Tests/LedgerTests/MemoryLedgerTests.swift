import Ledger
import LedgerKit
import Testing

@Suite("The ledger in memory", .timeLimit(.minutes(1)))
struct MemoryLedgerTests {
    @Test("keeps every promise of the ledger", arguments: LedgerPromise.all)
    func promise(_ promise: LedgerPromise) async throws {
        try await promise.check(MemoryLedger())
    }
}
