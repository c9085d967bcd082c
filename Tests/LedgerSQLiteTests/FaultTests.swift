import Foundation
import GRDB
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite
import Testing

@Suite("Faults of the ledger in SQLite", .timeLimit(.minutes(1)))
struct FaultTests {
    @Test(
        "a full disk fails writes, loses none of the earlier ones, and the ledger works again once there is room",
        .enabled(if: SmallDisk.isPossible, "the test mounts a small disk, which needs root"))
    func fullDisk() async throws {
        let disk = try SmallDisk(mebibytes: 2)
        try await disk.temporary.using { ledger in
            _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "before")))
            try disk.fill()
            var written: [String] = []
            let failure = await #expect(throws: LedgerError.self) {
                for number in 0..<2_000 {
                    _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-\(number)")))
                    written.append("r-\(number)")
                }
            }
            #expect(failure?.isFull == true)
            await #expect(throws: LedgerError.self) { try await ledger.checkWritable() }
            #expect(try await ledger.summary().stored == [.init(.recharge, in: .sending): written.count + 1])
            #expect(try await ledger.job(.recharge, reference: "r-\(written.count)") == nil)

            try disk.makeRoom()
            try await ledger.checkWritable()
            #expect(try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "after"))).record != nil)
            for reference in ["before", "after"] + written { #expect(try await ledger.job(.recharge, reference: reference) != nil) }
            #expect(try await ledger.summary().stored == [.init(.recharge, in: .sending): written.count + 2])
        }
    }

    @Test(
        "the error names a disk that is full at the start or mounted read-only",
        .enabled(if: SmallDisk.isPossible, "the test mounts a small disk, which needs root"))
    func unwritableDisk() async throws {
        let disk = try SmallDisk(mebibytes: 1)
        try disk.fill()
        let full = await #expect(throws: LedgerError.self) { try await disk.temporary.open() }
        #expect(full?.isFull == true)
        try disk.makeRoom()
        try await disk.temporary.using { _ = try await $0.claim(Sample.claim()) }
        try disk.remount(isReadOnly: true)
        let readOnly = await #expect(throws: LedgerError.self) { try await disk.temporary.open() }
        #expect(readOnly?.isReadOnly == true)
        try disk.remount(isReadOnly: false)
        try await disk.temporary.using { _ = try #require(try await $0.job(.recharge, reference: "r-1")) }
    }

    @Test("a file that is not a database counts as damaged, and is not changed")
    func notDatabase() async throws {
        let temporary = try TemporaryLedger()
        var random = SeededGenerator(seed: 7)
        let bytes = Data((0..<20_000).map { _ in UInt8.random(in: 0...255, using: &random) })
        try bytes.write(to: URL(fileURLWithPath: temporary.path))
        let failure = await #expect(throws: LedgerError.self) { try await temporary.open() }
        #expect(failure?.isDamaged == true)
        #expect(try Data(contentsOf: URL(fileURLWithPath: temporary.path)) == bytes)
    }

    @Test("a truncated file counts as damaged", arguments: [5_000, 40_000])
    func truncatedFile(size: UInt64) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            for number in 0..<100 { _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-\(number)"))) }
        }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: temporary.path))
        try file.truncate(atOffset: size)
        try file.close()
        let failure = await #expect(throws: LedgerError.self) { try await temporary.open() }
        #expect(failure?.isDamaged == true)
    }

    @Test("damage that is found at work stops all writes, also after a restart, until the operator has removed the marker")
    func damageAtWork() async throws {
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
        let look = await #expect(throws: LedgerError.self) { try await reader.job(.recharge, reference: "r-1") }
        #expect(look?.isDamaged == true)
        await reader.close()
        let marker = temporary.path + ".damaged"
        let poller = try await SQLiteLedger.openShared(temporary.configuration())
        try await temporary.using { ledger in
            // Writes that do not use the page succeed, and prove nothing about the other pages.
            try await ledger.checkWritable()
            try await poller.checkWritable()
            let claim = await #expect(throws: LedgerError.self) { try await ledger.claim(Sample.claim()) }
            #expect(claim?.isDamaged == true)
            let check = await #expect(throws: LedgerError.self) { try await ledger.checkWritable() }
            #expect(check == claim)
            // The other process has not found the damage itself.
            let beside = await #expect(throws: LedgerError.self) { try await poller.checkWritable() }
            #expect(beside?.isDamaged == true)
            // A process that has found damage restores the marker if it is removed.
            try FileManager.default.removeItem(atPath: marker)
            await #expect(throws: LedgerError.self) { try await ledger.checkWritable() }
            #expect(FileManager.default.fileExists(atPath: marker))
            let attributes = try FileManager.default.attributesOfItem(atPath: marker)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 1).replies.isEmpty)
        }
        await poller.close()
        let start = await #expect(throws: LedgerError.self) { try await temporary.open() }
        #expect(start?.isDamaged == true)
        #expect(start?.description.contains("remove \(marker)") == true)

        try replacePage(good)
        await #expect(throws: LedgerError.self) { try await temporary.open() }
        try FileManager.default.removeItem(atPath: marker)
        try await temporary.using { _ = try #require(try await $0.job(.recharge, reference: "r-1")) }
    }

    @Test("an unreadable job fails only its own claim, and the error names its id")
    func unreadableRow() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { _ = try await $0.claim(Sample.claim()) }
        try temporary.otherConnection().inDatabase { try $0.execute(sql: "UPDATE jobs SET body = '{}'") }
        try await temporary.using { ledger in
            let failures: [LedgerError] = await withTaskGroup(of: LedgerError?.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        do throws(LedgerError) {
                            _ = try await ledger.claim(
                                Sample.claim(Sample.job(.recharge, reference: number == 20 ? "r-1" : "other-\(number)")))
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
            #expect(summary.stored == [.init(.recharge, in: .sending): 40])
        }
    }

    @Test("an unreadable due job does not block the others, and is reported")
    func unreadableDueRow() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            for number in 1...3 { _ = try await ledger.claim(Sample.claim(Sample.job(.panStatus, reference: "p-\(number)"))) }
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

    @Test("a write fails as locked while another connection holds a write lock")
    func lockedFile() async throws {
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

    @Test("a file of a newer version is refused, also by readers")
    func newerVersion() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { _ = try await $0.claim(Sample.claim()) }
        try temporary.otherConnection().inDatabase { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('future')") }
        let expected = LedgerError.newerSchema("\(temporary.path): install the version that wrote it, or a later one")
        await #expect(throws: expected) { try await temporary.open() }
        await #expect(throws: expected) { try await SQLiteLedger.openReadOnly(path: temporary.path) }
    }

    @Test("a missing folder is named in the error")
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
