import Daemon
import ExactJSON
import JobModel
import Ledger
import LedgerKit
import Testing

@testable import BOSCtl

@Suite("The status in a terminal", .timeLimit(.minutes(1)))
struct StatusReportTests {
    private static let busy = """
        {"program":"bos-worker","version":"0.2.0","ready":false,"reasons":[{"check":"consuming","detail":"bos.recharge: paused"}],
        "headline":{"level":"stopped","sentence":"No money moves since 03:10: BOS cannot be reached or fails.","advice":"Ask BOS.",
        "detail":"connect_failed"},"findings":[{"sentence":"No money moves."},{"sentence":"1 reply is owed.","advice":"Look at the events."}],
        "queues":{"bos.recharge":{"messages":812,"consumers":0,"growth_per_minute":40.5,"why":"BOS cannot be reached"}},
        "in_flight":{"recharge":3,"recharge.status":0,"pan.status":1},"bos":{"calls_under_way":2},
        "doubts":{"count":2,"rupees":"150.00","oldest_since":"2026-11-21T09:00:00.000Z"},"replies_owed":1,
        "token":{"used":true,"problem":null,"expires_at":"2026-11-21T10:00:00.000Z"},
        "drain":{"stopping":false,"expected_seconds":1.2,"at_most_seconds":25.0,"timeout_seconds":25.0}}
        """

    private static func report(_ text: String?, ledger: Result<LedgerState, LedgerFailure>? = nil) throws -> StatusReport {
        let status = try text.map { ProgramStatus(json: try JSONValue.parse(Array($0.utf8))) }
        return StatusReport(
            worker: ProgramReading(.worker, status: status, problem: "http://127.0.0.1:9464: Connection refused"),
            poller: ProgramReading(.poller, status: nil, problem: "http://127.0.0.1:9465: Connection refused"), ledger: ledger)
    }

    @Test("says whether money moves, what to do, what waits and why, what is in flight, and how long a restart takes")
    func busy() throws {
        let report = try Self.report(Self.busy)
        let text = report.lines.joined(separator: "\n")
        for part in [
            "bos-worker 0.2.0: No money moves since 03:10: BOS cannot be reached or fails.", "→ Ask BOS.",
            "1 reply is owed. Look at the events.",
            "bos.recharge  812    0          40.5             BOS cannot be reached",
            "in flight    recharge 3, recharge.status 0, pan.status 1; calls to BOS 2",
            "in doubt     2, 150.00 rupees, the oldest since 2026-11-21T09:00:00.000Z", "replies owed 1",
            "usable until 2026-11-21T10:00:00.000Z", "ends in about 1.2 s, in 25.0 s at most",
        ] { #expect(text.contains(part), "\(part)\n\(text)") }
        #expect(report.lines.allSatisfy { $0.count <= 100 }, "\(text)")
        #expect(!report.isWell)
    }

    @Test("comes from the ledger alone, and says so, if the worker does not answer")
    func fallback() async throws {
        let ledger = MemoryLedger()
        for (number, state) in [JobState.accepted, .inDoubt, .parked].enumerated() {
            let job = Sample.job(reference: "r-\(number)")
            let id = try #require(try await ledger.claim(Sample.claim(job)).record).id
            _ = try await ledger.update(Sample.update(id, to: state, dueAt: state == .parked ? nil : Sample.moment(60)))
        }
        let hold = LaneHold(since: Sample.start, user: "asha", host: "host", reason: "wallet is empty")
        _ = try await ledger.setHold(hold, of: .money)
        let state = try await LedgerState(ledger, now: Sample.moment(120))
        #expect(state.overdue == .seconds(60))
        let report = try Self.report(nil, ledger: .success(state))
        let text = report.lines.joined(separator: "\n")
        for part in [
            "bos-worker does not answer at http://127.0.0.1:9464: Connection refused", "comes from the ledger alone",
            "to be sent   1 recharges", "to be asked  1 doubts", "in doubt     2, 21 rupees, the oldest for 1 min", "for a person 1",
            "held         money, by asha: wallet is empty",
        ] { #expect(text.contains(part), "\(part)\n\(text)") }
        #expect(report.json.last?["recharges_to_be_sent"]?.text == "1")
        #expect(report.json.first?["answers"] == .bool(false))
    }

    @Test("survives a program that says less, as older versions do")
    func older() throws {
        let report = try Self.report(#"{"program":"bos-worker","version":"0.1.0","ready":true,"reasons":[],"queues":{}}"#)
        #expect(report.lines.first == "bos-worker 0.1.0: ready")
    }
}

@Suite("The queues in a terminal", .timeLimit(.minutes(1)))
struct QueuesReportTests {
    private static let rows = [
        QueuesReport.Row(
            queue: "bos.recharge", ready: 812, consumers: 1, unacked: 64, publishRate: 12.34, ackRate: 0, ledgerOwned: 3,
            overdue: .seconds(125), why: "BOS is slow: 64 of 64 run"),
        QueuesReport.Row(queue: "bos.dead"),
    ]

    @Test("show ready, unacked, rates and what the ledger owns, with the reason in words")
    func lines() {
        let report = QueuesReport(rows: Self.rows, hasManagement: true)
        #expect(
            report.lines == [
                "queue         ready  unacked  consumers  in/s  out/s  ledger  overdue",
                "bos.recharge  812    64       1          12.3  0.0    3       2 min",
                "bos.dead      -      -        -          -     -      -       -",
                "bos.recharge: BOS is slow: 64 of 64 run",
            ])
        #expect(QueuesReport(rows: [], hasManagement: false).lines.last == "unacked, in/s and out/s need amqp.managementURL")
    }

    @Test("answer programs with numbers, and null for what is not known")
    func json() {
        let json = QueuesReport(rows: Self.rows, hasManagement: true).json.map { String(decoding: $0.encoded, as: UTF8.self) }
        #expect(
            json[0].hasPrefix(
                #"{"queue":"bos.recharge","ready":812,"unacked":64,"consumers":1,"published_per_second":12.340,"acked_per_second":0.000,"#))
        #expect(json[0].contains(#""ledger_owned":3,"overdue_seconds":125,"why":"BOS is slow: 64 of 64 run""#))
        #expect(json[1].contains(#""ready":null"#))
    }
}
