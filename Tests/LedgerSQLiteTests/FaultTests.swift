import Foundation
import GRDB
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite
import Testing

@Suite("A ledger in trouble", .timeLimit(.minutes(1)))
struct TroubleTests {
    @Test(
        "a full disk fails the writes that it hits, loses none before, and is over when there is room again",
        .enabled(if: SmallDisk.isPossible, "a full disk is a mounted one, and mounting needs root"))
    func fullDisk() async throws {
        let disk = try SmallDisk(mebibytes: 2)
        try await disk.temporary.using { ledger in
            _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, "before")))
            try disk.fill()
            var written: [String] = []
            let failure = await #expect(throws: LedgerError.self) {
                for number in 0..<2_000 {
                    _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, "r-\(number)")))
                    written.append("r-\(number)")
                }
            }
            #expect(failure?.isFull == true)
            await #expect(throws: LedgerError.self) { try await ledger.checkWritable() }
            #expect(try await ledger.summary().stored == [.init(.recharge, .sending): written.count + 1])
            #expect(try await ledger.job(.recharge, "r-\(written.count)") == nil)

            try disk.makeRoom()
            try await ledger.checkWritable()
            #expect(try await ledger.claim(Sample.claim(Sample.job(.recharge, "after"))).record != nil)
            for reference in ["before", "after"] + written { #expect(try await ledger.job(.recharge, reference) != nil) }
            #expect(try await ledger.summary().stored == [.init(.recharge, .sending): written.count + 2])
        }
    }

    @Test(
        "a disk that is full from the start or mounted read-only is named as such",
        .enabled(if: SmallDisk.isPossible, "a full disk is a mounted one, and mounting needs root"))
    func unwritableDisk() async throws {
        let disk = try SmallDisk(mebibytes: 1)
        try disk.fill()
        let full = await #expect(throws: LedgerError.self) { try await disk.temporary.open() }
        #expect(full?.isFull == true)
        try disk.makeRoom()
        try await disk.temporary.using { _ = try await $0.claim(Sample.claim()) }
        try disk.setReadOnly(true)
        let readOnly = await #expect(throws: LedgerError.self) { try await disk.temporary.open() }
        #expect(readOnly?.isReadOnly == true)
        try disk.setReadOnly(false)
        try await disk.temporary.using { _ = try #require(try await $0.job(.recharge, "r-1")) }
    }

    @Test("a file that is no database is damaged, and is left as it was")
    func garbage() async throws {
        let temporary = try TemporaryLedger()
        var random = SeededGenerator(seed: 7)
        let bytes = Data((0..<20_000).map { _ in UInt8.random(in: 0...255, using: &random) })
        try bytes.write(to: URL(fileURLWithPath: temporary.path))
        let failure = await #expect(throws: LedgerError.self) { try await temporary.open() }
        #expect(failure?.isDamaged == true)
        #expect(try Data(contentsOf: URL(fileURLWithPath: temporary.path)) == bytes)
    }

    @Test("a file that was cut off is damaged", arguments: [5_000, 40_000])
    func truncated(size: UInt64) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            for number in 0..<100 { _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, "r-\(number)"))) }
        }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: temporary.path))
        try file.truncate(atOffset: size)
        try file.close()
        let failure = await #expect(throws: LedgerError.self) { try await temporary.open() }
        #expect(failure?.isDamaged == true)
    }

    @Test("damage that is found while working ends all writing, also after the next start, until a person has seen to it")
    func damagedWhileWorking() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { _ = try await $0.claim(Sample.claim()) }
        let other = try temporary.otherConnection()
        let (page, size) = try other.inDatabase { database in
            _ = try Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            return (
                try Int64.fetchOne(database, sql: "SELECT rootpage FROM sqlite_master WHERE name = 'jobs'") ?? 0,
                try Int64.fetchOne(database, sql: "PRAGMA page_size") ?? 0
            )
        }
        try other.close()
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: temporary.path))
        try file.seek(toOffset: UInt64((page - 1) * size))
        let good = try #require(try file.read(upToCount: Int(size)))
        func replacePage(_ content: Data) throws {
            try file.seek(toOffset: UInt64((page - 1) * size))
            try file.write(contentsOf: content)
        }
        try replacePage(Data(repeating: 0xFF, count: Int(size)))

        let reader = try await SQLiteLedger.openReadOnly(path: temporary.path)
        let look = await #expect(throws: LedgerError.self) { try await reader.job(.recharge, "r-1") }
        #expect(look?.isDamaged == true)
        await reader.close()
        let mark = temporary.path + ".damaged"
        let poller = try await SQLiteLedger.openShared(temporary.configuration())
        try await temporary.using { ledger in
            // What does not touch that page can be written, and says nothing of the rest.
            try await ledger.checkWritable()
            try await poller.checkWritable()
            let claim = await #expect(throws: LedgerError.self) { try await ledger.claim(Sample.claim()) }
            #expect(claim?.isDamaged == true)
            let check = await #expect(throws: LedgerError.self) { try await ledger.checkWritable() }
            #expect(check == claim)
            // The process beside it has seen nothing itself.
            let beside = await #expect(throws: LedgerError.self) { try await poller.checkWritable() }
            #expect(beside?.isDamaged == true)
            // A mark that is removed under a process that knows better comes back.
            try FileManager.default.removeItem(atPath: mark)
            await #expect(throws: LedgerError.self) { try await ledger.checkWritable() }
            #expect(FileManager.default.fileExists(atPath: mark))
            let attributes = try FileManager.default.attributesOfItem(atPath: mark)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 1).replies.isEmpty)
        }
        await poller.close()
        let start = await #expect(throws: LedgerError.self) { try await temporary.open() }
        #expect(start?.isDamaged == true)
        #expect(start?.description.contains("remove \(mark)") == true)

        try replacePage(good)
        await #expect(throws: LedgerError.self) { try await temporary.open() }
        try FileManager.default.removeItem(atPath: mark)
        try await temporary.using { _ = try #require(try await $0.job(.recharge, "r-1")) }
    }

    @Test("an unreadable job fails whoever asks for it, by its number alone, and nobody else")
    func unreadableRow() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { _ = try await $0.claim(Sample.claim()) }
        try temporary.otherConnection().inDatabase { try $0.execute(sql: "UPDATE jobs SET body = '{}'") }
        try await temporary.using { ledger in
            let failures: [LedgerError] = await withTaskGroup(of: LedgerError?.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        do throws(LedgerError) {
                            _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, number == 20 ? "r-1" : "other-\(number)")))
                            return nil
                        } catch {
                            return error
                        }
                    }
                }
                return await group.reduce(into: []) { if let failure = $1 { $0.append(failure) } }
            }
            #expect(failures == [.unreadable("kind or body of job 1")])
            let summary = try await ledger.summary()
            #expect(summary.stored == [.init(.recharge, .sending): 40])
        }
    }

    @Test("a due row that cannot be read stands in nobody's way, and is named")
    func unreadableDueRow() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            for number in 1...3 { _ = try await ledger.claim(Sample.claim(Sample.job(.panStatus, "p-\(number)"))) }
        }
        try temporary.otherConnection().inDatabase { try $0.execute(sql: "UPDATE jobs SET wait_reason = 'x' WHERE id = 2") }
        let (due, leaseEnd) = (Sample.moment(100_000), Sample.moment(100_060))
        try await temporary.using { ledger in
            let batch = try await ledger.takeDue(.questions, at: due, leaseEnd: leaseEnd, limit: 10)
            #expect(batch.jobs.map(\.id) == [1, 3])
            #expect(batch.unreadable == [2])
            #expect(try await ledger.takeDue(.questions, at: due, leaseEnd: leaseEnd, limit: 10) == DueBatch([]))
            #expect(try await ledger.takeDue(.questions, at: leaseEnd, leaseEnd: leaseEnd, limit: 10).unreadable == [2])
        }
    }

    @Test("a file that another connection writes to is locked for that long")
    func locked() async throws {
        let temporary = try TemporaryLedger()
        var configuration = temporary.configuration()
        configuration.busyTimeout = .milliseconds(1)
        let ledger = try await SQLiteLedger.open(configuration)
        let other = try temporary.otherConnection()
        try other.inDatabase { try $0.execute(sql: "BEGIN IMMEDIATE") }
        let failure = await #expect(throws: LedgerError.self) { try await ledger.claim(Sample.claim()) }
        #expect(failure?.isLocked == true)
        try other.inDatabase { try $0.execute(sql: "COMMIT") }
        #expect(try await ledger.claim(Sample.claim()).record != nil)
        await ledger.close()
    }

    @Test("a file of a newer version is refused, by readers too")
    func newerSchema() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { _ = try await $0.claim(Sample.claim()) }
        try temporary.otherConnection().inDatabase { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('future')") }
        let expected = LedgerError.newerSchema("\(temporary.path): install the version that wrote it, or one after it")
        await #expect(throws: expected) { try await temporary.open() }
        await #expect(throws: expected) { try await SQLiteLedger.openReadOnly(path: temporary.path) }
    }

    @Test("a folder that is not there is named")
    func missingFolder() async throws {
        let temporary = try TemporaryLedger()
        let path = temporary.folder + "/none/ledger.sqlite"
        let failure = await #expect(throws: LedgerError.self) { try await SQLiteLedger.open(.init(path: path, owner: "test")) }
        #expect(failure?.description.contains("create the folder") == true)
    }
}

extension LedgerError {
    fileprivate var isFull: Bool { if case .diskFull = self { true } else { false } }
    fileprivate var isReadOnly: Bool { if case .readOnly = self { true } else { false } }
    fileprivate var isDamaged: Bool { if case .damaged = self { true } else { false } }
    fileprivate var isLocked: Bool { if case .locked = self { true } else { false } }
}
