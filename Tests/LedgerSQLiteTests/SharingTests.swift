import Foundation
import GRDB
import Glibc
import JobModel
import Ledger
import LedgerKit
import Testing

@testable import LedgerSQLite

@Suite("A ledger's file that several processes use", .timeLimit(.minutes(1)))
struct SharingTests {
    @Test("a released lock is free at once, even while a child process still has the lock file open")
    func lockFileInChild() throws {
        let temporary = try TemporaryLedger()
        let lock = try LedgerLock(ledger: temporary.path, owner: "first")
        let name = URL(fileURLWithPath: temporary.folder).lastPathComponent + "/ledger.sqlite.lock"
        let descriptor = try #require(
            FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }.first { number in
                let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
                return link?.hasSuffix(name) ?? false
            })
        // As in a child process between fork and exec.
        let inherited = dup(descriptor)
        defer { close(inherited) }
        lock.release()
        try LedgerLock(ledger: temporary.path, owner: "second").release()
    }

    @Test("a ledger keeps its name when it is opened again, and each ledger has another name")
    func identity() async throws {
        let (one, other) = (try TemporaryLedger(), try TemporaryLedger())
        let name = try await one.using { try await $0.identity() }
        #expect(name.count == 16)
        #expect(try await one.using { try await $0.identity() } == name)
        #expect(try await other.using { try await $0.identity() } != name)
    }

    @Test("a file of the first version is migrated, and has a name from then on")
    func migration() async throws {
        let temporary = try TemporaryLedger()
        let old = try temporary.otherConnection()
        try Schema.migrator.migrate(old, upTo: "1")
        let rows = "INSERT INTO tallies VALUES ('recharge', 'succeeded', 3, 300); UPDATE checks SET count = 7"
        try await old.write { try $0.execute(sql: rows) }
        try old.close()
        let name = try await temporary.using { ledger in
            #expect(try await ledger.summary().stored == [.init(.recharge, in: .succeeded): 3])
            try await ledger.checkWritable()
            let answers = try await ledger.claim(Sample.claim(Sample.job(.rechargeStatus), state: .notFound).delivered(as: "m-1")).replies
            try await ledger.markPublished(answers.map(\.id))
            let again = Sample.claim(Sample.job(.rechargeStatus), state: .notFound).delivered(as: "m-1", again: true)
            #expect(try await ledger.claim(again) == .answered(answers))
            return try await ledger.identity()
        }
        #expect(try await temporary.otherConnection().read { try Int.fetchOne($0, sql: "SELECT checks FROM ledger") } == 8)
        #expect(try await temporary.using { try await $0.identity() } == name)
    }

    @Test("a second worker is refused with an error that names the first one and says what to do")
    func secondWorker() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            _ = try await ledger.claim(Sample.claim())
            let failure = await #expect(throws: LedgerError.self) { try await temporary.open(owner: "second") }
            let text = failure?.description ?? ""
            #expect(text.contains("process \(ProcessInfo.processInfo.processIdentifier) (test)"))
            #expect(text.contains("amqp.urls, ledger.url"))
            #expect(text.contains(temporary.path))
        }
        let successor = try await temporary.open(owner: "second")
        await successor.close()
    }

    @Test("a failed start releases the lock")
    func failedStart() async throws {
        let temporary = try TemporaryLedger()
        try Data(repeating: 1, count: 5_000).write(to: URL(fileURLWithPath: temporary.path))
        for _ in 0..<2 {
            let failure = await #expect(throws: LedgerError.self) { try await temporary.open() }
            #expect(failure?.description.contains("damaged") == true)
        }
    }

    @Test("a reader sees what a running worker has written, and cannot write")
    func readerBesideWorker() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            let reader = try await SQLiteLedger.openReadOnly(path: temporary.path)
            for number in 0..<3 {
                _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-\(number)")))
                #expect(try await reader.job(.recharge, reference: "r-\(number)")?.history.count == 1)
                #expect(try await reader.summary() == ledger.summary())
            }
            for write in [
                { try await reader.claim(Sample.claim(Sample.job(.recharge, reference: "x"))) as any Sendable },
                { try await reader.checkWritable() },
                { try await reader.markPublished([1]) },
            ] as [@Sendable () async throws -> any Sendable] {
                let failure = await #expect(throws: LedgerError.self) { _ = try await write() }
                #expect(failure?.description.contains("cannot be written") == true)
            }
            await reader.close()
        }
    }

    @Test("a reader does not create the file")
    func readerWithoutFile() async throws {
        let temporary = try TemporaryLedger()
        await #expect(throws: LedgerError.self) { try await SQLiteLedger.openReadOnly(path: temporary.path) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.folder).isEmpty)
    }
}
