import Ledger
import LedgerKit
import Testing

@Suite("The ledger in memory", .timeLimit(.minutes(1)))
struct MemoryLedgerTests {
    @Test("keeps the ledger's contract", arguments: LedgerContract.all)
    func contract(_ rule: LedgerContract) async throws {
        try await rule.check(MemoryLedger())
    }
}
