import Foundation
import GRDB
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite
import Testing

@Suite("Verifying a ledger", .timeLimit(.minutes(1)))
struct VerifyTests {
    /// A ledger with one recharge in each of three states: sending, in doubt, succeeded; the last one has two recipients.
    private static func ledger() async throws -> TemporaryLedger {
        let temporary = try TemporaryLedger()
        try await temporary.using { ledger in
            _ = try await ledger.claim(Sample.claim(Sample.job(reference: "r-sending")))
            let doubt = Sample.job(reference: "r-doubt")
            let doubtID = try #require(try await ledger.claim(Sample.claim(doubt)).record).id
            _ = try await ledger.update(
                Sample.update(doubtID, to: .inDoubt, reply: Sample.reply(doubt, state: .inDoubt), dueAt: Sample.moment(9)))
            let done = Sample.job(reference: "r-done")
            let doneID = try #require(try await ledger.claim(Sample.claim(done)).record).id
            _ = try await ledger.claim(Sample.claim(done, recipient: Sample.recipient("c-2"), owner: "run-2", live: ["run-1"]))
            _ = try await ledger.update(
                Sample.update(doneID, to: .succeeded, reply: Sample.reply(done, state: .succeeded), event: .finished))
        }
        return temporary
    }

    @Test("finds nothing in a ledger that the programs have written, beside a worker that runs")
    func clean() async throws {
        let temporary = try await Self.ledger()
        try await temporary.using { _ in
            let checks = try await LedgerKeeper.using { try await $0.verify(temporary.path) }
            #expect(checks == LedgerCheck.Name.allCases.map { LedgerCheck($0, problems: []) })
        }
    }

    /// A fault, and a part of the sentence about it.
    struct Fault: Sendable, CustomTestStringConvertible {
        let sql: String
        let check: LedgerCheck.Name
        let text: String
        var testDescription: String { text }
    }

    private static let faults = [
        Fault(sql: "DELETE FROM jobs WHERE reference = 'r-done'", check: .references, text: "a row of replies belongs to no row of jobs"),
        Fault(sql: "UPDATE jobs SET state = 'gone' WHERE reference = 'r-sending'", check: .rows, text: "state of job 1"),
        Fault(
            sql: "UPDATE tallies SET count = count + 1 WHERE state = 'in_doubt'", check: .tallies,
            text: "the counter of recharge in_doubt says 2 jobs and 1050 paise; there are 1 jobs"),
        Fault(sql: "UPDATE tallies SET paise = paise - 1 WHERE state = 'succeeded'", check: .tallies, text: "says 1 jobs and 1049 paise"),
        Fault(
            sql: "UPDATE jobs SET completed_at = NULL WHERE reference = 'r-done'", check: .ends,
            text: "job 3 is succeeded and has no end time"),
        Fault(sql: "UPDATE jobs SET owner = 'run-9' WHERE reference = 'r-done'", check: .ends, text: "has an owner or a due time"),
        Fault(
            sql: "UPDATE jobs SET completed_at = 1 WHERE reference = 'r-doubt'", check: .ends, text: "job 2 is in_doubt and has an end time"
        ),
        Fault(
            sql: "DELETE FROM outbox; DELETE FROM replies WHERE correlation_id = 'c-2'", check: .replies,
            text: "a recipient has no last reply"),
        Fault(
            sql: """
                INSERT INTO replies (job, number, message_id, correlation_id, reply_to, outcome, accepted_at, body)
                SELECT job, number, 'other', correlation_id, reply_to, outcome, accepted_at, body FROM replies WHERE correlation_id = 'c-2'
                """, check: .replies, text: "recharge job 3 has 2 final replies to one recipient"),
        Fault(
            sql: "UPDATE replies SET outcome = 'failed' WHERE correlation_id = 'c-2'", check: .replies,
            text: "recharge job 3 is succeeded and a final reply says failed"),
        Fault(sql: "UPDATE replies SET message_id = 'same'", check: .replies, text: "belongs to 3 replies"),
        Fault(
            sql: "DROP TRIGGER history_is_not_deleted; DELETE FROM history WHERE job = 2 AND number = 1", check: .history,
            text: "job 2 has 1 entries of its history, numbered up to 2"),
        Fault(sql: "DELETE FROM ledger", check: .identity, text: "the table ledger has 0 rows"),
    ]

    @Test("finds each fault, and says what it is", arguments: faults)
    func fault(_ fault: Fault) async throws {
        let temporary = try await Self.ledger()
        try temporary.change(fault.sql)
        let problems = try await TemporaryLedger.problems(in: temporary.path)
        #expect(problems[fault.check, default: []].contains { $0.contains(fault.text) }, "\(problems)")
        #expect(!problems.values.joined().contains { $0.contains("DL12CB4685") })
    }

    @Test("of a file that is not whole names that alone")
    func damagedFile() async throws {
        let temporary = try await Self.ledger()
        try temporary.change(
            "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'poll_at)', 'due_at)') WHERE name = 'jobs_to_poll'")
        let problems = try await TemporaryLedger.problems(in: temporary.path)
        #expect(Array(problems.keys) == [.file])
        let quick = try await LedgerKeeper.using { try await $0.quickCheck(temporary.path) }
        #expect(quick == [])
    }
}
