import GRDB
import JobModel
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

@Suite("Purchases in SQLite", .timeLimit(.minutes(1)))
struct PurchaseIndexTests {
    @Test("what was never executed does not stay under what it would have bought, so that a loop makes no later claim slow")
    func forgotten() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            for (number, state) in [JobState.refused, .failed, .expired, .succeeded, .inDoubt].enumerated() {
                var claim = Sample.claim(Sample.job(.recharge, "r-\(number)"))
                claim.purchase = Claim.Purchase(key: [1], notSince: nil)
                if number == 0 {
                    claim.progress = Sample.progress(.refused)
                    claim.reply = Sample.reply(claim.job, .refused)
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
