import Foundation
import GRDB
import Glibc
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite
import Testing

@Suite("A file that is not a ledger", .timeLimit(.minutes(1)))
struct OriginTests {
    /// Files that a wrong `ledger.url` may name.
    enum Other: CaseIterable {
        case text, database, databaseWithLog

        func make(_ path: String) throws {
            guard self != .text else { return try Data("key: value\n".utf8).write(to: URL(fileURLWithPath: path)) }
            let queue = try DatabaseQueue(path: path)
            try queue.inDatabase { database in
                if self == .databaseWithLog { _ = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL") }
                try database.execute(sql: "CREATE TABLE jobs (id INTEGER PRIMARY KEY, title TEXT); INSERT INTO jobs VALUES (1, 'clean')")
            }
            try queue.close()
        }
    }

    @Test(
        "is refused, and keeps its mode and content; no file is made beside it", arguments: Other.allCases,
        ["worker", "poller", "operator"])
    func unchangedFile(other: Other, program: String) async throws {
        let temporary = try TemporaryLedger()
        let path = temporary.folder + "/other #1?.db"
        try other.make(path)
        try #require(chmod(path, 0o644) == 0)
        let content = try Data(contentsOf: URL(fileURLWithPath: path))
        let failure = await #expect(throws: LedgerError.self) {
            switch program {
            case "worker": try await SQLiteLedger.open(.init(path: path, owner: "test"))
            case "poller": try await SQLiteLedger.openShared(.init(path: path, owner: "test"))
            default: try await SQLiteLedger.openReadOnly(path: path)
            }
        }
        #expect(failure?.description.contains("was left as it was: correct ledger.url") == true, "\(failure.debugDescription)")
        var status = stat()
        try #require(lstat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o644)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == content)
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.folder) == ["other #1?.db"])
    }

    @Test("becomes one if it is empty, or if its first worker was killed before it had written a table")
    func emptyFile() async throws {
        for isDatabase in [false, true] {
            let temporary = try TemporaryLedger()
            if isDatabase {
                let queue = try DatabaseQueue(path: temporary.path)
                _ = try queue.inDatabase { try String.fetchOne($0, sql: "PRAGMA journal_mode = WAL") }
                try queue.close()
            } else {
                try Data().write(to: URL(fileURLWithPath: temporary.path))
            }
            let start = await #expect(throws: LedgerError.self) { try await SQLiteLedger.openShared(temporary.configuration()) }
            #expect(start?.description.contains("is new: its worker has not written to it yet") == true, "\(start.debugDescription)")
            try await temporary.using { try await $0.checkWritable() }
        }
    }

    @Test("is not what a ledger counts as whose checkpoint was interrupted: it opens with all its jobs")
    func interruptedCheckpoint() async throws {
        let (whole, interrupted) = (try TemporaryLedger(), try TemporaryLedger())
        let ledger = try await SQLiteLedger.open(whole.configuration())
        for number in 0..<200 { _ = try await ledger.claim(Sample.claim(Sample.job(reference: "r-\(number)"))) }
        // The ledger is open, so its log is not empty. A checkpoint writes page 1 with the new number of pages before it writes the new pages.
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: whole.path + suffix, toPath: interrupted.path + suffix)
        }
        await ledger.close()
        let complete = try Data(contentsOf: URL(fileURLWithPath: whole.path))
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: interrupted.path))
        try file.write(contentsOf: complete.prefix(4_096))
        try file.close()
        let isUnreadable =
            (try? DatabaseQueue(path: "file:\(interrupted.path)?immutable=1").inDatabase {
                try String.fetchAll($0, sql: "SELECT name FROM sqlite_master")
            }) == nil
        #expect(isUnreadable)
        try await interrupted.using { ledger in
            for number in 0..<200 {
                let job = try await ledger.job(.recharge, reference: "r-\(number)")
                #expect(job != nil)
            }
        }
    }
}
