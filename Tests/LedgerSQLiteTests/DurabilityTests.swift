import Foundation
import GRDB
import Glibc
import JobModel
import Ledger
import LedgerKit
import Testing

@testable import LedgerSQLite

@Suite("Durability of the ledger in SQLite", .timeLimit(.minutes(2)))
struct DurabilityTests {
    @Test("a reopened ledger has all that it had before")
    func reopenedLedger() async throws {
        let temporary = try TemporaryLedger()
        let (record, replies) = try await temporary.using { ledger in
            let record = try #require(try await ledger.claim(Sample.claim()).record)
            let replied = try await ledger.update(
                Sample.update(record.id, to: .inDoubt, reply: Sample.reply(record.job, state: .inDoubt), dueAt: Sample.moment(90)))
            return (record, try #require(replied.replies))
        }
        try await temporary.using { ledger in
            let stored = try #require(try await ledger.job(.recharge, reference: "r-1"))
            #expect(stored.record.id == record.id)
            #expect(stored.record.progress == Sample.progress(.inDoubt, dueAt: Sample.moment(90)))
            #expect(stored.history.map(\.event) == [.accepted, .waiting])
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies == replies)
            #expect(try await ledger.summary().doubtAmount == record.job.amount)
            #expect(try await ledger.claim(Sample.claim(now: Sample.moment(5))) == .waiting(replies))
        }
    }

    @Test("a commit waits for the disk, and uses a write-ahead log")
    func durableSettings() throws {
        let temporary = try TemporaryLedger()
        let queue = try LedgerFile.open(temporary.configuration(), as: .owner)
        for (setting, value) in [("synchronous", "2"), ("journal_mode", "wal")] {
            #expect(try queue.inDatabase { try String.fetchOne($0, sql: "PRAGMA \(setting)") } == value)
        }
    }

    @Test("after kill -9, each update that the ledger had confirmed is stored, and the lock is free at once")
    func killedProcess() async throws {
        let temporary = try TemporaryLedger()
        for (round, lines) in [1, 40, 200, 400, 90, 10].enumerated() {
            let reported = try await WriterProcess.runAndKill(path: temporary.path, prefix: "k\(round)", afterLines: lines)
            #expect(reported.count >= lines)
            try await temporary.using { ledger in
                for reference in reported {
                    let stored = try #require(try await ledger.job(.recharge, reference: reference))
                    #expect(stored.record.progress.state == .succeeded)
                    #expect(stored.record.replyCount == 1)
                    #expect(stored.history.map(\.event) == [.accepted, .finished])
                }
                let summary = try await ledger.summary()
                #expect(summary.unpublishedReplies == summary.stored[.init(.recharge, in: .succeeded)])
            }
        }
        try temporary.expectReferencesHold()
    }

    @Test("the write-ahead log shrinks again after a long read that made it grow")
    func logShrinks() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            let reader = try temporary.otherConnection()
            let log = temporary.path + "-wal"
            let limit = 8 << 20
            var written = 0
            try reader.inDatabase { try $0.execute(sql: "BEGIN; SELECT count(*) FROM jobs") }
            while try Self.size(log) < limit + (1 << 20) {
                try await Self.write(100, from: written, to: ledger)
                written += 100
                try #require(written < 50_000)
            }
            try reader.inDatabase { try $0.execute(sql: "COMMIT") }
            // Enough for two automatic checkpoints: the first moves the pages, the second restarts the log.
            for _ in 0..<30 {
                try await Self.write(100, from: written, to: ledger)
                written += 100
            }
            #expect(try Self.size(log) <= limit)
        }
    }

    @Test("only their owner can read the files")
    func fileModes() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            _ = try await ledger.claim(Sample.claim())
            for suffix in ["", "-wal", "-shm", ".lock"] {
                let attributes = try FileManager.default.attributesOfItem(atPath: temporary.path + suffix)
                #expect(attributes[.posixPermissions] as? Int == 0o600, "ledger.sqlite\(suffix)")
            }
        }
    }

    @Test("the history cannot be changed, even by an operator with sqlite3")
    func appendOnlyHistory() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { _ = try await $0.claim(Sample.claim()) }
        let other = try temporary.otherConnection()
        for sql in ["UPDATE history SET detail = ''", "DELETE FROM history"] {
            #expect(throws: DatabaseError.self) { try other.inDatabase { try $0.execute(sql: sql) } }
        }
        #expect(try other.inDatabase { try Int.fetchOne($0, sql: "SELECT count(*) FROM history") } == 1)
    }

    private static func write(_ count: Int, from first: Int, to ledger: SQLiteLedger) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in first..<first + count {
                group.addTask { _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "w-\(number)"))) }
            }
            try await group.waitForAll()
        }
    }

    private static func size(_ path: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    }
}
