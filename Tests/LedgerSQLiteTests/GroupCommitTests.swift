import JobModel
import Ledger
import LedgerKit
import LedgerSQLite
import Synchronization
import Testing

@Suite("Group commit", .timeLimit(.minutes(1)))
struct GroupCommitTests {
    @Test("many simultaneous writes share few commits, and all changed rows are reported")
    func sharedCommits() async throws {
        let commits = Mutex<[Int]>([])
        let temporary = try TemporaryLedger()
        let ledger = try await temporary.open { _, rows in commits.withLock { $0.append(rows) } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask { _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-\(number)"))) }
            }
            try await group.waitForAll()
        }
        await ledger.close()
        let rows = commits.withLock { $0 }
        #expect(rows.count < 50)
        // Each claim writes the job and a history entry. Each commit writes one counter.
        #expect(rows.reduce(0, +) == 200 * 2 + rows.count)
    }

    @Test("a transaction of reads alone reports no commit")
    func readsWithoutCommit() async throws {
        let commits = Mutex(0)
        let temporary = try TemporaryLedger()
        let ledger = try await temporary.open { _, _ in commits.withLock { $0 += 1 } }
        _ = try await ledger.summary()
        _ = try await ledger.job(.recharge, reference: "r-1")
        _ = try await ledger.unpublishedReplies(after: nil, limit: 1)
        #expect(commits.withLock { $0 } == 0)
        try await ledger.checkWritable()
        #expect(commits.withLock { $0 } == 1)
        await ledger.close()
    }

    @Test("closing commits the pending operations first")
    func closingCommits() async throws {
        let temporary = try TemporaryLedger()
        let ledger = try await temporary.open()
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<100 {
                group.addTask { (try? await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-\(number)")))) != nil }
            }
            group.addTask {
                await ledger.close()
                return false
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let stored = try await temporary.using { try await $0.summary().stored.values.reduce(0, +) }
        #expect(stored == outcomes.count { $0 })
    }
}
