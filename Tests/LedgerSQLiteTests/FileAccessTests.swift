import Foundation
import Glibc
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite
import Synchronization
import Testing

@Suite("The ledger's files", .timeLimit(.minutes(1)))
struct PrivacyTests {
    private static func mode(_ path: String) -> mode_t? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o777 : nil
    }

    @Test("are its user's alone, and one that was restored for all to read becomes so")
    func modes() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { _ = try await $0.claim(Sample.claim()) }
        #expect(Self.mode(temporary.path) == 0o600)
        #expect(chmod(temporary.path, 0o644) == 0)
        for beside in ["-wal", "-shm"] {
            try Data().write(to: URL(fileURLWithPath: temporary.path + beside))
            #expect(chmod(temporary.path + beside, 0o644) == 0)
        }
        let told = Mutex<[String]>([])
        var configuration = temporary.configuration()
        configuration.onMended = { sentence in told.withLock { $0.append(sentence) } }
        let ledger = try await SQLiteLedger.open(configuration)
        #expect(told.withLock { $0 }.map { $0.contains("mode 644") } == [true, true, true])
        for file in ["", "-wal", "-shm", ".lock"] { #expect(Self.mode(temporary.path + file) == 0o600, "\(file)") }
        _ = try #require(try await ledger.job(.recharge, "r-1"))
        await ledger.close()
    }

    @Test("are found behind a symbolic link and under another spelling, so that a second worker meets the lock of the first")
    func spellings() async throws {
        let temporary = try TemporaryLedger()
        let other = try TemporaryLedger()
        let link = other.folder + "/link.sqlite"
        #expect(symlink(temporary.path, link) == 0)
        let ledger = try await temporary.open()
        for path in [link, temporary.folder + "/./ledger.sqlite", temporary.folder + "//ledger.sqlite"] {
            let failure = await #expect(throws: LedgerError.self) { try await SQLiteLedger.open(.init(path: path, owner: "second")) }
            #expect(failure?.description.contains("belongs to the running") == true, "\(path)")
        }
        await ledger.close()
        try await SQLiteLedger.open(.init(path: link, owner: "second")).closing { _ = try await $0.claim(Sample.claim()) }
        #expect(Self.mode(other.folder + "/link.sqlite.lock") == nil)
        try await temporary.using { _ = try #require(try await $0.job(.recharge, "r-1")) }
    }

    @Test("have one name: under a hard link a second worker could use the same file")
    func hardLink() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { _ in }
        #expect(link(temporary.path, temporary.folder + "/other.sqlite") == 0)
        for path in [temporary.path, temporary.folder + "/other.sqlite"] {
            let failure = await #expect(throws: LedgerError.self) { try await SQLiteLedger.open(.init(path: path, owner: "second")) }
            #expect(failure?.description.contains("hard link") == true)
        }
        #expect(unlink(temporary.folder + "/other.sqlite") == 0)
        try await temporary.using { _ in }
    }

    @Test("are not written through links that stand in their places: the lock and the mark of damage least of all")
    func links() async throws {
        let temporary = try TemporaryLedger()
        let victim = temporary.folder + "/victim"
        try Data("untouched".utf8).write(to: URL(fileURLWithPath: victim))
        #expect(symlink(victim, temporary.path + ".lock") == 0)
        await #expect(throws: LedgerError.self) { try await temporary.open() }
        #expect(unlink(temporary.path + ".lock") == 0)
        try await temporary.using { _ in }
        // A link in the mark's place is a mark.
        #expect(symlink(temporary.folder + "/nowhere", temporary.path + ".damaged") == 0)
        let failure = await #expect(throws: LedgerError.self) { try await temporary.open() }
        #expect(failure?.description.contains("marked as damaged") == true)
        #expect(try String(contentsOfFile: victim, encoding: .utf8) == "untouched")
    }
}
