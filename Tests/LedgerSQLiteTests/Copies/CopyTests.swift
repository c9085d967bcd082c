import Foundation
import GRDB
import Glibc
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite
import Testing

@Suite("A copy of a ledger", .timeLimit(.minutes(1)))
struct CopyTests {
    @Test("has all that is committed while a worker writes, is private, and is the only file that is left")
    func whole() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            for number in 1...300 { _ = try await ledger.claim(Sample.claim(Sample.job(reference: "r-\(number)"), owner: "run-\(number)")) }
            let overview = try await temporary.makeCopy()
            #expect(overview.jobs == 300)
            #expect(overview.openRecharges == [.sending: DoubtTotal(count: 300, amount: Money(paise: 300 * 10_50))])
            #expect(overview.mark == CopyMark(madeAt: TemporaryLedger.copiedAt, source: temporary.path, author: TemporaryLedger.author))
            // The worker goes on.
            _ = try await ledger.claim(Sample.claim(Sample.job(reference: "r-301"), owner: "run-301"))
        }
        var status = stat()
        try #require(lstat(temporary.copy, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.folder + "/copies") == ["copy.sqlite"])
        let copy = try await SQLiteLedger.openReadOnly(path: temporary.copy)
        let (last, later) = (try await copy.job(.recharge, reference: "r-300"), try await copy.job(.recharge, reference: "r-301"))
        await copy.close()
        #expect(last != nil)
        #expect(later == nil)
        #expect(try await TemporaryLedger.problems(in: temporary.copy) == [:])
        // Reading has made no file beside it.
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.folder + "/copies") == ["copy.sqlite"])
    }

    @Test("is refused by worker and poller, which change nothing in it, and say how to restore it", arguments: ["worker", "poller"])
    func refused(program: String) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { _ = try await $0.claim(Sample.claim()) }
        try await temporary.makeCopy()
        let content = try Data(contentsOf: URL(fileURLWithPath: temporary.copy))
        let failure = await #expect(throws: LedgerError.self) {
            let configuration = SQLiteLedger.Configuration(path: temporary.copy, owner: "test")
            _ = program == "worker" ? try await SQLiteLedger.open(configuration) : try await SQLiteLedger.openShared(configuration)
        }
        guard case .copy? = failure else {
            Issue.record("\(failure.debugDescription)")
            return
        }
        #expect(failure?.description.contains("operating.md#restoring-a-ledger") == true)
        #expect(failure?.isRecoverable == false)
        #expect(try Data(contentsOf: URL(fileURLWithPath: temporary.copy)) == content)
        // An older version refuses what it takes for a newer version's file.
        let migrations = try DatabaseQueue(path: temporary.copy).inDatabase {
            try String.fetchSet($0, sql: "SELECT identifier FROM grdb_migrations")
        }
        #expect(migrations.contains("copy"))
    }

    @Test("never replaces a file, nor takes a name that could be one of the ledger's")
    func otherFiles() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { _ = try await $0.claim(Sample.claim()) }
        try await temporary.makeCopy()
        let content = try Data(contentsOf: URL(fileURLWithPath: temporary.copy))
        await #expect(throws: LedgerError.self) { try await temporary.makeCopy() }
        #expect(try Data(contentsOf: URL(fileURLWithPath: temporary.copy)) == content)
        for file in [temporary.path, temporary.path + "-wal", temporary.path + ".2"] {
            await #expect(throws: LedgerError.self) {
                try await LedgerKeeper.using { try await $0.copy(temporary.path, to: file, author: "asha", at: Sample.start) }
            }
        }
        try await temporary.using { _ = try #require(try await $0.job(.recharge, reference: "r-1")) }
    }

    @Test("that was interrupted is not opened as a ledger, and stands in the way of the next one until a person removes it")
    func interrupted() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { _ = try await $0.claim(Sample.claim()) }
        let unfinished = temporary.folder + "/copy.sqlite.unfinished"
        try FileManager.default.copyItem(atPath: temporary.path, toPath: unfinished)
        for isWorker in [true, false] {
            let configuration = SQLiteLedger.Configuration(path: unfinished, owner: "test")
            let failure = await #expect(throws: LedgerError.self) {
                _ = isWorker ? try await SQLiteLedger.open(configuration) : try await SQLiteLedger.openShared(configuration)
            }
            #expect(failure?.description.contains("unfinished file") == true)
        }
        let next = await #expect(throws: LedgerError.self) {
            try await LedgerKeeper.using {
                try await $0.copy(temporary.path, to: temporary.folder + "/copy.sqlite", author: "asha", at: Sample.start)
            }
        }
        #expect(next?.description.contains("remove the file") == true)
    }

    @Test("of a damaged ledger is not made")
    func damaged() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            for number in 1...200 { _ = try await ledger.claim(Sample.claim(Sample.job(reference: "r-\(number)"), owner: "run-\(number)")) }
        }
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: temporary.path))
        try file.seek(toOffset: 4_096 * 8)
        try file.write(contentsOf: Data(repeating: 0xFF, count: 4_096 * 4))
        try file.close()
        await #expect(throws: LedgerError.self) { try await temporary.makeCopy() }
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.folder + "/copies") == [])
    }
}
