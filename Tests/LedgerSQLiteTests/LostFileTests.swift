import Foundation
import GRDB
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite
import Testing

@Suite("The files of an open ledger", .timeLimit(.minutes(1)))
struct LostFileTests {
    /// What happens to the files.
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

        /// A part of the error for the operator.
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
            case .logReplacedByEmpty: try Self.replace(path + "-wal", with: Data())
            case .logReplaced: try Self.replace(path + "-wal", with: Data([1]))
            case .indexRemoved: try files.removeItem(atPath: path + "-shm")
            case .indexReplaced: try Self.replace(path + "-shm", with: Data())
            case .mainRemoved: try files.removeItem(atPath: path)
            case .allMoved: try temporary.moveAll(to: "old")
            case .mainReplaced: try Self.replace(path, with: Data(contentsOf: URL(fileURLWithPath: path)))
            case .folderMoved: try files.moveItem(atPath: temporary.folder, toPath: temporary.folder + ".moved")
            }
        }

        /// Replaces the file as an operator does who restores a copy: another file under the same name.
        private static func replace(_ file: String, with content: Data) throws {
            try content.write(to: URL(fileURLWithPath: file + ".new"))
            try #require(rename(file + ".new", file) == 0)
        }
    }

    @Test(
        "are checked before each commit: a claim after a file was removed or replaced is not stored",
        arguments: Event.allCases)
    func claimAfterLoss(event: Event) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "before")))
            try event.happen(to: temporary)
            defer { temporary.putFolderBack() }
            let failure = await #expect(throws: LedgerError.self) {
                try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "after")))
            }
            try Self.expect(failure, after: event, in: temporary)
            #expect(try await ledger.job(.recharge, reference: "after") == nil)
            // The open files can still be read.
            #expect(try await ledger.job(.recharge, reference: "before") != nil)
        }
    }

    @Test("are checked by each health sample, the poller's included, even without a job", arguments: Event.allCases, [true, false])
    func sampleAfterLoss(event: Event, isPoller: Bool) async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { worker in
            let poller = try await SQLiteLedger.openShared(temporary.configuration(owner: "poller"))
            try event.happen(to: temporary)
            defer { temporary.putFolderBack() }
            let failure = await #expect(throws: LedgerError.self) { try await (isPoller ? poller : worker).checkWritable() }
            try Self.expect(failure, after: event, in: temporary)
            // The other process stops writing too.
            await #expect(throws: LedgerError.self) { try await (isPoller ? worker : poller).checkWritable() }
            await poller.close()
        }
    }

    @Test(
        "hold all commits after the log was removed, and are marked, so that no process uses them",
        arguments: [Event.logRemoved, .logAndIndexRemoved])
    func removedLog(event: Event) async throws {
        let temporary = try TemporaryLedger()
        let copy = try TemporaryLedger()
        try await temporary.using { ledger in
            for number in 1...50 { _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-\(number)"))) }
            try event.happen(to: temporary)
            await #expect(throws: LedgerError.self) { try await ledger.checkWritable() }
            // The state after kill -9.
            try FileManager.default.copyItem(atPath: temporary.path, toPath: copy.path)
        }
        let all: [LedgerSummary.Key: Int] = [.init(.recharge, in: .sending): 50]
        let saved = try await copy.using { try await $0.summary().stored }
        #expect(saved == all)
        let start = await #expect(throws: LedgerError.self) { try await temporary.open() }
        #expect(start?.description.contains("remove \(temporary.path).damaged") == true)
        try FileManager.default.removeItem(atPath: temporary.path + ".damaged")
        let reopened = try await temporary.using { try await $0.summary().stored }
        #expect(reopened == all)
    }

    @Test("are complete after they were moved away, and can be used again after they were moved back")
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
        try await temporary.using { _ = try #require(try await $0.job(.recharge, reference: "r-1")) }
    }

    @Test("are not removed by other processes that open and close them")
    func otherProcesses() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            for number in 1...3 {
                _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-\(number)")))
                let poller = try await SQLiteLedger.openShared(temporary.configuration(owner: "poller"))
                try await poller.checkWritable()
                await poller.close()
                let reader = try await SQLiteLedger.openReadOnly(path: temporary.path)
                #expect(try await reader.summary().stored == [.init(.recharge, in: .sending): number])
                await reader.close()
                let tool = try temporary.otherConnection()
                try tool.inDatabase { _ = try $0.checkpoint(.truncate) }
                try tool.close()
                try await ledger.checkWritable()
            }
        }
    }

    @Test("stop all writes only for as long as they cannot be checked")
    func uncheckedFiles() async throws {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            // A link to itself in place of the folder, which the system cannot follow.
            try FileManager.default.moveItem(atPath: temporary.folder, toPath: temporary.folder + ".moved")
            try #require(symlink(temporary.folder, temporary.folder) == 0)
            let failure = await #expect(throws: LedgerError.self) { try await ledger.claim(Sample.claim()) }
            #expect(failure?.isRecoverable == true)
            try #require(unlink(temporary.folder) == 0)
            temporary.putFolderBack()
            #expect(try await ledger.claim(Sample.claim()).record != nil)
        }
    }

    private static func expect(_ failure: LedgerError?, after event: Event, in temporary: TemporaryLedger) throws {
        guard case .damaged(let detail) = try #require(failure) else {
            Issue.record("\(event): \(failure.debugDescription)")
            return
        }
        let happening =
            [.logReplacedByEmpty, .logReplaced, .indexReplaced, .mainReplaced].contains(event) ? "replaced" : "removed or moved"
        #expect(detail.hasPrefix("\(temporary.path)\(event.part) was \(happening)"), "\(detail)")
        #expect(detail.contains(event.advice), "\(detail)")
        // Without the folder there is no marker.
        guard event != .folderMoved else { return }
        let marker = try String(contentsOfFile: temporary.path + ".damaged", encoding: .utf8)
        #expect(marker.contains(detail))
    }
}

extension TemporaryLedger {
    /// Moves the ledger's file and all files whose names begin with its name.
    fileprivate func moveAll(to target: String, from source: String = ".") throws {
        let (source, target) = ("\(folder)/\(source)", "\(folder)/\(target)")
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        for name in try FileManager.default.contentsOfDirectory(atPath: source) where name.hasPrefix("ledger.sqlite") {
            try #require(rename("\(source)/\(name)", "\(target)/\(name)") == 0)
        }
    }

    /// Moves the folder back, if it was moved.
    fileprivate func putFolderBack() { _ = rename(folder + ".moved", folder) }
}
