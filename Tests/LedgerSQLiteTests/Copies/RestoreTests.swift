import Foundation
import GRDB
import Glibc
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite
import Testing

@Suite("Restoring a ledger from a copy", .timeLimit(.minutes(1)))
struct RestoreTests {
    private static let destination = "https://bos.example as 1234"

    /// A ledger with one recharge in each state, its copy, and no ledger any more.
    private static func lostLedger() async throws -> TemporaryLedger {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            for state in JobState.allCases where state != .notFound && state != .pending && state != .answeredPending {
                let job = Sample.job(reference: state.rawValue)
                let id = try #require(try await ledger.claim(Sample.claim(job)).record).id
                let reply = state.isFinal ? Sample.reply(job, state: state) : nil
                _ = try await ledger.update(Sample.update(id, to: state, reply: reply, dueAt: state.isFinal ? nil : Sample.moment(9)))
            }
        }
        try await temporary.makeCopy()
        try temporary.lose()
        return temporary
    }

    @Test("makes each open recharge a doubt without proof that it was not sent, and leaves what has ended as it is")
    func openRecharges() async throws {
        let temporary = try await Self.lostLedger()
        try await temporary.restore(destinations: [Self.destination])
        try await temporary.using { ledger in
            for state in [JobState.accepted, .sending, .inDoubt, .parked, .held] {
                let found = try #require(try await ledger.job(.recharge, reference: state.rawValue))
                let progress = found.record.progress
                #expect(progress.state == (state == .parked ? .parked : .inDoubt), "\(state)")
                #expect(progress.doubt == .unanswered)
                #expect(progress.firstSentAt != nil)
                #expect(progress.sentTo == nil)
                #expect(progress.notFoundAnswers == 0)
                #expect(progress.firstNotFound == nil)
                #expect(progress.dueAt == (state == .parked ? nil : Sample.moment(1_000)))
                #expect(found.record.owner == nil)
                let entry = try #require(found.history.last)
                #expect(entry.event == .doubt)
                #expect(entry.detail.contains("restored from a copy in the state \(state.rawValue)"))
            }
            for state in [JobState.succeeded, .failed, .refused, .expired] {
                let record = try #require(try await ledger.job(.recharge, reference: state.rawValue)).record
                #expect(record.progress == Sample.progress(state), "\(state)")
            }
            // The poller puts all but the parked one back, and none on the queue of recharges.
            let (now, end) = (Sample.moment(1_000), Sample.moment(1_060))
            #expect(try await ledger.takeDue(.money, at: now, leaseEnd: end, limit: 10).jobs == [])
            let due = try await ledger.takeDue(.questions, at: now, leaseEnd: end, limit: 10).jobs
            #expect(due.map(\.job.reference).sorted() == ["accepted", "held", "in_doubt", "sending"])
        }
        #expect(try await TemporaryLedger.problems(in: temporary.path) == [:])
    }

    @Test("keeps the destination of a recharge that was sent elsewhere, so that the worker leaves it to a person")
    func otherDestination() async throws {
        let temporary = try await Self.lostLedger()
        try await temporary.restore(destinations: ["https://other.example as 1234"])
        try await temporary.using { ledger in
            let record = try await ledger.job(.recharge, reference: "in_doubt")?.record
            #expect(record?.progress.sentTo == Self.destination)
        }
    }

    @Test("gives the ledger another name, and keeps the copy as it was")
    func names() async throws {
        let temporary = try await Self.lostLedger()
        let content = try Data(contentsOf: URL(fileURLWithPath: temporary.copy))
        let old = try await SQLiteLedger.openReadOnly(path: temporary.copy).closing { try await $0.identity() }
        try await temporary.restore()
        let new = try await temporary.using { ledger in
            let action = try #require(try await ledger.actions(before: nil, limit: 10).first)
            #expect(action.action == TemporaryLedger.restoring)
            #expect(action.result == "restored from a copy of \(TemporaryLedger.copiedAt.rfc3339)")
            return try await ledger.identity()
        }
        #expect(new != old)
        #expect(new.count == old.count)
        #expect(try Data(contentsOf: URL(fileURLWithPath: temporary.copy)) == content)
    }

    @Test("makes a recharge that the ledger does not know a doubt, until the restoring has ended")
    func unknownRecharges() async throws {
        let temporary = try await Self.lostLedger()
        try await temporary.restore()
        try await temporary.using { ledger in
            #expect(try await ledger.restoring() == OpenRestoring(at: Sample.moment(1_000), copiedAt: TemporaryLedger.copiedAt))
            // What has expired may have been executed before too.
            for (number, state) in [JobState.sending, .expired, .held].enumerated() {
                let job = Sample.job(reference: "new-\(number)")
                let claim = Sample.claim(job, owner: "run-\(number)", now: Sample.moment(2_000), state: state)
                guard case .resumed(let record) = try await ledger.claim(claim) else {
                    Issue.record("\(state)")
                    continue
                }
                #expect(record.progress == .mayHaveBeenSent(at: Sample.moment(2_000)))
                #expect(record.owner == "run-\(number)")
                #expect(try await ledger.job(.recharge, reference: "new-\(number)")?.record == record)
                let again = try await ledger.claim(Sample.claim(job, owner: "run-x", live: ["run-\(number)"], now: Sample.moment(2_001)))
                #expect(again == .joined(owner: "run-\(number)"))
            }
            let question = Sample.claim(Sample.job(.rechargeStatus, reference: "q-1"), state: .accepted)
            guard case .new = try await ledger.claim(question) else { throw LedgerError.closed }

            // An operator ends it beside the worker, which learns of it by its next sample.
            let other = try await SQLiteLedger.openShared(temporary.configuration(owner: "bosctl"))
            let ended = try await other.closing { try await $0.endRestoring(at: Sample.moment(3_000)) }
            #expect(ended)
            #expect(try await ledger.restoring() == nil)
            try await ledger.checkWritable()
            guard case .new = try await ledger.claim(Sample.claim(Sample.job(reference: "new-9"), owner: "run-9")) else {
                Issue.record("still asks first")
                return
            }
            #expect(try await ledger.endRestoring(at: Sample.moment(3_001)) == false)
        }
        #expect(try await TemporaryLedger.problems(in: temporary.path) == [:])
    }

    @Test("still asks first after a restart of the worker")
    func survivesRestart() async throws {
        let temporary = try await Self.lostLedger()
        try await temporary.restore()
        try await temporary.using { _ in }
        try await temporary.using { ledger in
            guard case .resumed = try await ledger.claim(Sample.claim(Sample.job(reference: "new"))) else {
                Issue.record("the recharge would be sent")
                return
            }
        }
    }

    @Test("by root gives the files to the owner of their folder, or the worker's user could not open them", .enabled(if: geteuid() == 0))
    func owner() async throws {
        let temporary = try await Self.lostLedger()
        try #require(chown(temporary.folder, 4_711, 4_712) == 0)
        try await temporary.restore()
        for suffix in ["", ".lock"] {
            var status = stat()
            try #require(lstat(temporary.path + suffix, &status) == 0)
            #expect([status.st_uid, status.st_gid] == [4_711, 4_712], "\(suffix)")
            #expect(status.st_mode & 0o777 == 0o600)
        }
    }

    @Test("is refused where a ledger or a part of one lies, beside a running worker, and for a file that is not a copy")
    func refusals() async throws {
        let temporary = try await Self.lostLedger()
        for suffix in ["-wal", ".damaged"] {
            try Data().write(to: URL(fileURLWithPath: temporary.path + suffix))
            await #expect(throws: LedgerError.self) { try await temporary.restore() }
            try FileManager.default.removeItem(atPath: temporary.path + suffix)
        }
        let lock = try LedgerLock(ledger: temporary.path, owner: "worker")
        await #expect(throws: LedgerError.self) { try await temporary.restore() }
        lock.release()
        try await temporary.restore()
        let failure = await #expect(throws: LedgerError.self) { try await temporary.restore() }
        #expect(failure?.description.contains("exists already") == true)
        // The ledger of another worker.
        let other = try TemporaryLedger()
        let restoring = Restoring(TemporaryLedger.restoring, destinations: [])
        let unmarked = await #expect(throws: LedgerError.self) {
            try await LedgerKeeper.using { try await $0.restore(temporary.path, to: other.path, as: restoring) }
        }
        #expect(unmarked?.description.contains("is not marked as a copy") == true)
        #expect(!FileManager.default.fileExists(atPath: other.path))
    }

    @Test("takes a copy that an older version has written, and brings it to its own form")
    func olderCopy() async throws {
        let temporary = try await Self.lostLedger()
        let older = try DatabaseQueue(path: temporary.copy)
        try older.inDatabase { database in
            try database.execute(
                sql: "DROP TABLE restorings; DELETE FROM grdb_migrations WHERE identifier IN ('8', 'copy'); DROP TABLE copy")
        }
        try older.close()
        try await temporary.restore(takesUnmarked: true)
        try await temporary.using { ledger in
            let (restoring, accepted) = (try await ledger.restoring(), try await ledger.job(.recharge, reference: "accepted"))
            #expect(restoring == OpenRestoring(at: Sample.moment(1_000), copiedAt: nil))
            #expect(accepted?.record.progress.state == .inDoubt)
        }
    }
}
