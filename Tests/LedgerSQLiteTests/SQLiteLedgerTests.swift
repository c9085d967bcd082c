import GRDB
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite
import Testing

@Suite("The ledger in SQLite", .timeLimit(.minutes(2)))
struct SQLiteLedgerTests {
    @Test("keeps the ledger's contract", arguments: LedgerContract.all)
    func contract(_ rule: LedgerContract) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { try await rule.check($0) }
        try temporary.expectReferencesHold()
    }

    @Test("has the same results as the ledger in memory, step by step", arguments: UInt64(1)...12)
    func comparisonWithMemory(seed: UInt64) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { try await LedgerComparison($0, with: MemoryLedger()).run(seed: seed, steps: 400) }
        try temporary.expectReferencesHold()
    }
}

@Suite("Purchase keys in SQLite", .timeLimit(.minutes(1)))
struct PurchaseIndexTests {
    @Test("are removed from jobs that were never executed, so that a caller that retries in a loop does not slow down later claims")
    func forgottenPurchases() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            for (number, state) in [JobState.refused, .failed, .expired, .succeeded, .inDoubt].enumerated() {
                var claim = Sample.claim(Sample.job(.recharge, reference: "r-\(number)"))
                claim.purchase = Claim.Purchase(key: [1], notSince: nil)
                if number == 0 {
                    claim.progress = Sample.progress(.refused)
                    claim.reply = Sample.reply(claim.job, state: .refused)
                }
                let record = try #require(try await ledger.claim(claim).record)
                if number > 0 { _ = try await ledger.update(Sample.update(record.id, to: state)) }
            }
        }
        let kept = try temporary.otherConnection().inDatabase {
            try String.fetchAll($0, sql: "SELECT reference FROM jobs WHERE purchase IS NOT NULL ORDER BY id")
        }
        #expect(kept == ["r-3", "r-4"])
    }
}
