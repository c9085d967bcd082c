import ExactJSON
import JobModel
import Ledger
import LedgerKit
import Testing

@testable import BOSCtl

@Suite("The log of operators' commands", .timeLimit(.minutes(1)))
struct OperatorLogTests {
    @Test("a command is on record before it changes anything, and with its result afterwards")
    func recordsResult() async throws {
        let ledger = MemoryLedger()
        try await ledger.recording("retry", about: "r-1", because: "the customer waits") {
            let actions = try await ledger.actions(before: nil, limit: 10)
            #expect(actions.map(\.result) == [nil])
            return "due now"
        }
        let recorded = try #require(try await ledger.actions(before: nil, limit: 10).first)
        #expect(recorded.action.command == "retry")
        #expect(recorded.action.subject == "r-1")
        #expect(recorded.action.reason == "the customer waits")
        #expect(recorded.action.user == OperatorIdentity.current.user)
        #expect(recorded.result == "due now")
        #expect(recorded.endedAt != nil)
    }

    @Test("a command that fails is on record with its failure")
    func recordsFailure() async throws {
        let ledger = MemoryLedger()
        await #expect(throws: CommandFailure.self) {
            try await ledger.recording("retry", about: "r-1", because: "the customer waits") {
                throw CommandFailure.changed(.recharge, reference: "r-1")
            }
        }
        let result = try #require(try await ledger.actions(before: nil, limit: 10).first?.result)
        #expect(result.hasPrefix("failed: recharge r-1 changed meanwhile"))
    }

    @Test("the log shows who did what, why, and how it ended")
    func showsActions() {
        let action = OperatorAction(
            at: Sample.start, user: "asha", host: "pay-1", command: "pause recharges", subject: "", reason: "BOS asks for it")
        let report = ActionReport([
            RecordedAction(id: 2, action), RecordedAction(id: 1, action, result: "held", endedAt: Sample.moment(1)),
        ])
        #expect(report.lines.count == 3)
        #expect(report.lines[1].contains("asha at pay-1  pause recharges"))
        #expect(report.lines[1].contains("no result yet"))
        #expect(report.lines[2].contains("held"))
        #expect(report.json.map { $0["result"] } == [.null, .string("held")])
        #expect(report.json[1]["ended_at"] == .string(Sample.moment(1).rfc3339))
        #expect(ActionReport([]).lines == ["No operator has changed anything."])
    }
}
