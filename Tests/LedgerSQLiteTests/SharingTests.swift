import Foundation
import GRDB
import Glibc
import JobModel
import Ledger
import LedgerKit
import Testing

@testable import LedgerSQLite

@Suite("Sharing a ledger's file", .timeLimit(.minutes(1)))
struct SharingTests {
    @Test("a released lock is free at once, even while a child process still has the file open")
    func sharedWithChild() throws {
        let temporary = try TemporaryLedger()
        let lock = try LedgerLock(ledger: temporary.path, owner: "first")
        let name = URL(fileURLWithPath: temporary.folder).lastPathComponent + "/ledger.sqlite.lock"
        let descriptor = try #require(
            FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }.first { number in
                let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
                return link?.hasSuffix(name) ?? false
            })
        // What a child has between its fork and its program.
        let inherited = dup(descriptor)
        defer { close(inherited) }
        lock.release()
        try LedgerLock(ledger: temporary.path, owner: "second").release()
    }

    @Test("a ledger keeps its name when it is opened again, and no two have the same")
    func identity() async throws {
        let (one, other) = (try TemporaryLedger(), try TemporaryLedger())
        let name = try await one.using { try await $0.identity() }
        #expect(name.count == 16)
        #expect(try await one.using { try await $0.identity() } == name)
        #expect(try await other.using { try await $0.identity() } != name)
    }

    @Test("a file of the first version is brought up to date, and has a name from then on")
    func migrated() async throws {
        let temporary = try TemporaryLedger()
        let old = try temporary.otherConnection()
        try Schema.migrator.migrate(old, upTo: "1")
        let rows = "INSERT INTO tallies VALUES ('recharge', 'succeeded', 3, 300); UPDATE checks SET count = 7"
        try await old.write { try $0.execute(sql: rows) }
        try old.close()
        let name = try await temporary.using { ledger in
            #expect(try await ledger.summary().stored == [.init(.recharge, .succeeded): 3])
            try await ledger.checkWritable()
            let answers = try await ledger.claim(Sample.claim(Sample.job(.rechargeStatus), state: .notFound, message: "m-1")).replies
            try await ledger.markPublished(answers.map(\.id))
            let again = Sample.claim(Sample.job(.rechargeStatus), state: .notFound, message: "m-1", isRedelivered: true)
            #expect(try await ledger.claim(again) == .answered(answers))
            return try await ledger.identity()
        }
        #expect(try await temporary.otherConnection().read { try Int.fetchOne($0, sql: "SELECT checks FROM ledger") } == 8)
        #expect(try await temporary.using { try await $0.identity() } == name)
    }

    @Test("a second live worker is refused with a sentence that says by whom and what to do")
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

    @Test("a ledger that could not be opened leaves no lock behind")
    func failedOpening() async throws {
        let temporary = try TemporaryLedger()
        try Data(repeating: 1, count: 5_000).write(to: URL(fileURLWithPath: temporary.path))
        for _ in 0..<2 {
            let failure = await #expect(throws: LedgerError.self) { try await temporary.open() }
            #expect(failure?.description.contains("damaged") == true)
        }
    }

    @Test("a reader sees what a live worker has written and changes nothing")
    func reader() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            let reader = try await SQLiteLedger.openReadOnly(path: temporary.path)
            for number in 0..<3 {
                _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, "r-\(number)")))
                #expect(try await reader.job(.recharge, "r-\(number)")?.history.count == 1)
                #expect(try await reader.summary() == ledger.summary())
            }
            for write in [
                { try await reader.claim(Sample.claim(Sample.job(.recharge, "x"))) as any Sendable }, { try await reader.checkWritable() },
                { try await reader.markPublished([1]) },
            ] as [@Sendable () async throws -> any Sendable] {
                let failure = await #expect(throws: LedgerError.self) { _ = try await write() }
                #expect(failure?.description.contains("cannot be written") == true)
            }
            await reader.close()
        }
    }

    @Test("a reader does not create what is not there")
    func readerOfNothing() async throws {
        let temporary = try TemporaryLedger()
        await #expect(throws: LedgerError.self) { try await SQLiteLedger.openReadOnly(path: temporary.path) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.folder).isEmpty)
    }
}
