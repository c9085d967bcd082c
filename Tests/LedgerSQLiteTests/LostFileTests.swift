import Foundation
import GRDB
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite
import Testing

@Suite("The files of a ledger in use", .timeLimit(.minutes(1)))
struct LedgerFilesTests {
    /// What happens to them.
    enum Event: CaseIterable {
        case logRemoved, logAndIndexRemoved, logReplacedByEmpty, logReplaced, indexRemoved, indexReplaced, mainRemoved, allMoved,
            mainReplaced
        case folderMoved

        var part: String {
            switch self {
            case .logRemoved, .logAndIndexRemoved, .logReplacedByEmpty, .logReplaced: "-wal"
            case .indexRemoved, .indexReplaced: "-shm"
            case .mainRemoved, .allMoved, .mainReplaced, .folderMoved: ""
            }
        }

        /// What a person is told, in part.
        var advice: String {
            switch self {
            case .logRemoved, .logAndIndexRemoved, .logReplacedByEmpty: "every commit was saved to "
            case .logReplaced: "the last commits could not be saved to "
            case .indexRemoved, .indexReplaced: "every commit is in "
            case .mainRemoved, .allMoved, .mainReplaced, .folderMoved: "every commit is in the file that is still open"
            }
        }

        func happen(to temporary: TemporaryLedger) throws {
            let (path, files) = (temporary.path, FileManager.default)
            switch self {
            case .logRemoved: try files.removeItem(atPath: path + "-wal")
            case .logAndIndexRemoved:
                try files.removeItem(atPath: path + "-shm")
                try files.removeItem(atPath: path + "-wal")
            case .logReplacedByEmpty: try Self.replace(path + "-wal", Data())
            case .logReplaced: try Self.replace(path + "-wal", Data([1]))
            case .indexRemoved: try files.removeItem(atPath: path + "-shm")
            case .indexReplaced: try Self.replace(path + "-shm", Data())
            case .mainRemoved: try files.removeItem(atPath: path)
            case .allMoved: try temporary.moveAll(to: "old")
            case .mainReplaced: try Self.replace(path, Data(contentsOf: URL(fileURLWithPath: path)))
            case .folderMoved: try files.moveItem(atPath: temporary.folder, toPath: temporary.folder + ".moved")
            }
        }

        /// Under the same name, as a restored copy is put in place.
        private static func replace(_ file: String, _ content: Data) throws {
            try content.write(to: URL(fileURLWithPath: file + ".new"))
            try #require(rename(file + ".new", file) == 0)
        }
    }

    @Test(
        "are looked at before a commit is believed: what is claimed after one was removed or replaced is not stored",
        arguments: Event.allCases)
    func claim(event: Event) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, "before")))
            try event.happen(to: temporary)
            defer { temporary.putFolderBack() }
            let failure = await #expect(throws: LedgerError.self) { try await ledger.claim(Sample.claim(Sample.job(.recharge, "after"))) }
            try Self.expect(failure, event, temporary)
            #expect(try await ledger.job(.recharge, "after") == nil)
            // What is open can still be read.
            #expect(try await ledger.job(.recharge, "before") != nil)
        }
    }

    @Test("are looked at by each sample, without a job, also by a poller's", arguments: Event.allCases, [true, false])
    func sample(event: Event, isPoller: Bool) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { worker in
            let poller = try await SQLiteLedger.openShared(temporary.configuration(owner: "poller"))
            try event.happen(to: temporary)
            defer { temporary.putFolderBack() }
            let failure = await #expect(throws: LedgerError.self) { try await (isPoller ? poller : worker).checkWritable() }
            try Self.expect(failure, event, temporary)
            // The other process writes nothing more either.
            await #expect(throws: LedgerError.self) { try await (isPoller ? worker : poller).checkWritable() }
            await poller.close()
        }
    }

    @Test(
        "are marked, so that no start uses them, and hold every commit although the log was removed",
        arguments: [Event.logRemoved, .logAndIndexRemoved])
    func saved(event: Event) async throws {
        let temporary = try TemporaryLedger()
        let copy = try TemporaryLedger()
        try await temporary.using { ledger in
            for number in 1...50 { _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, "r-\(number)"))) }
            try event.happen(to: temporary)
            await #expect(throws: LedgerError.self) { try await ledger.checkWritable() }
            // What would be there after kill -9.
            try FileManager.default.copyItem(atPath: temporary.path, toPath: copy.path)
        }
        let all: [LedgerSummary.Key: Int] = [.init(.recharge, .sending): 50]
        let saved = try await copy.using { try await $0.summary().stored }
        #expect(saved == all)
        let start = await #expect(throws: LedgerError.self) { try await temporary.open() }
        #expect(start?.description.contains("remove \(temporary.path).damaged") == true)
        try FileManager.default.removeItem(atPath: temporary.path + ".damaged")
        let reopened = try await temporary.using { try await $0.summary().stored }
        #expect(reopened == all)
    }

    @Test("that were moved are whole where they are, and serve again once they were put back")
    func movedBack() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            _ = try await ledger.claim(Sample.claim())
            try temporary.moveAll(to: "old")
            await #expect(throws: LedgerError.self) { try await ledger.checkWritable() }
        }
        await #expect(throws: LedgerError.self) { try await temporary.open() }
        try FileManager.default.removeItem(atPath: temporary.path + ".damaged")
        #expect(!FileManager.default.fileExists(atPath: temporary.path))
        try temporary.moveAll(to: ".", from: "old")
        try await temporary.using { _ = try #require(try await $0.job(.recharge, "r-1")) }
    }

    @Test("may be opened and closed by others, who remove none of them")
    func others() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            for number in 1...3 {
                _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, "r-\(number)")))
                let poller = try await SQLiteLedger.openShared(temporary.configuration(owner: "poller"))
                try await poller.checkWritable()
                await poller.close()
                let reader = try await SQLiteLedger.openReadOnly(path: temporary.path)
                #expect(try await reader.summary().stored == [.init(.recharge, .sending): number])
                await reader.close()
                let person = try temporary.otherConnection()
                try person.inDatabase { _ = try $0.checkpoint(.truncate) }
                try person.close()
                try await ledger.checkWritable()
            }
        }
    }

    @Test("that cannot be looked at for a while stop all writing for that while alone")
    func unknown() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            // A link to itself in the folder's place: the system follows it in vain.
            try FileManager.default.moveItem(atPath: temporary.folder, toPath: temporary.folder + ".moved")
            try #require(symlink(temporary.folder, temporary.folder) == 0)
            let failure = await #expect(throws: LedgerError.self) { try await ledger.claim(Sample.claim()) }
            #expect(failure?.isRecoverable == true)
            try #require(unlink(temporary.folder) == 0)
            temporary.putFolderBack()
            #expect(try await ledger.claim(Sample.claim()).record != nil)
        }
    }

    private static func expect(_ failure: LedgerError?, _ event: Event, _ temporary: TemporaryLedger) throws {
        guard case .damaged(let detail) = try #require(failure) else {
            Issue.record("\(event): \(failure.debugDescription)")
            return
        }
        let happening =
            [.logReplacedByEmpty, .logReplaced, .indexReplaced, .mainReplaced].contains(event) ? "replaced" : "removed or moved"
        #expect(detail.hasPrefix("\(temporary.path)\(event.part) was \(happening)"), "\(detail)")
        #expect(detail.contains(event.advice), "\(detail)")
        // Where the folder is gone there is no place for a mark.
        guard event != .folderMoved else { return }
        let mark = try String(contentsOfFile: temporary.path + ".damaged", encoding: .utf8)
        #expect(mark.contains(detail))
    }
}

extension TemporaryLedger {
    /// Moves the ledger's file and all beside it whose names begin with its name.
    fileprivate func moveAll(to target: String, from source: String = ".") throws {
        let (source, target) = ("\(folder)/\(source)", "\(folder)/\(target)")
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        for name in try FileManager.default.contentsOfDirectory(atPath: source) where name.hasPrefix("ledger.sqlite") {
            try #require(rename("\(source)/\(name)", "\(target)/\(name)") == 0)
        }
    }

    /// Does nothing if the folder was not moved.
    fileprivate func putFolderBack() { _ = rename(folder + ".moved", folder) }
}
