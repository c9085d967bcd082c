import Foundation
import Glibc
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite
import Synchronization
import Testing

@Suite("The ledger's files", .timeLimit(.minutes(1)))
struct FileAccessTests {
    private static func mode(_ path: String) -> mode_t? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o777 : nil
    }

    @Test("can be read by their owner alone, even if an operator has restored them with another mode")
    func privateModes() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { _ = try await $0.claim(Sample.claim()) }
        #expect(Self.mode(temporary.path) == 0o600)
        #expect(chmod(temporary.path, 0o644) == 0)
        for beside in ["-wal", "-shm"] {
            try Data().write(to: URL(fileURLWithPath: temporary.path + beside))
            #expect(chmod(temporary.path + beside, 0o644) == 0)
        }
        let repairs = Mutex<[String]>([])
        var configuration = temporary.configuration()
        configuration.onRepair = { sentence in repairs.withLock { $0.append(sentence) } }
        let ledger = try await SQLiteLedger.open(configuration)
        #expect(repairs.withLock { $0 }.map { $0.contains("mode 644") } == [true, true, true])
        for file in ["", "-wal", "-shm", ".lock"] { #expect(Self.mode(temporary.path + file) == 0o600, "\(file)") }
        _ = try #require(try await ledger.job(.recharge, reference: "r-1"))
        await ledger.close()
    }

    @Test("have one lock, even if a second worker spells the path differently or uses a symbolic link")
    func spellingsOfPath() async throws {
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
        try await temporary.using { _ = try #require(try await $0.job(.recharge, reference: "r-1")) }
    }

    @Test("are refused if they have a hard link, under which a second worker could use the same file")
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

    @Test("are never written through a symbolic link in place of the lock or the corruption marker")
    func symbolicLinks() async throws {
        let temporary = try TemporaryLedger()
        let victim = temporary.folder + "/victim"
        try Data("untouched".utf8).write(to: URL(fileURLWithPath: victim))
        #expect(symlink(victim, temporary.path + ".lock") == 0)
        await #expect(throws: LedgerError.self) { try await temporary.open() }
        #expect(unlink(temporary.path + ".lock") == 0)
        try await temporary.using { _ in }
        // A link in place of the marker counts as a marker.
        #expect(symlink(temporary.folder + "/nowhere", temporary.path + ".damaged") == 0)
        let failure = await #expect(throws: LedgerError.self) { try await temporary.open() }
        #expect(failure?.description.contains("marked as damaged") == true)
        #expect(try String(contentsOfFile: victim, encoding: .utf8) == "untouched")
    }
}
