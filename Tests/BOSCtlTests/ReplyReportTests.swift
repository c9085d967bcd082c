import JobModel
import LedgerKit
import Testing

@testable import BOSCtl

@Suite("The table of replies", .timeLimit(.minutes(1)))
struct ReplyReportTests {
    private static func row(_ body: [UInt8], hasColours: Bool = false) throws -> String {
        let report = try #require(ReplyReport(body))
        return ReplyTable(referenceWidth: 3, hasColours: hasColours).row(reference: "r-1", report, elapsed: .milliseconds(12))
    }

    @Test("the row of a reply shows its outcome, evidence, calls, time and BOS's message")
    func rowAndHeader() throws {
        let row = try Self.row(Sample.reply(Sample.job(), state: .succeeded).body)
        let header = ReplyTable(referenceWidth: 3, hasColours: false).header
        #expect(header == "reference  outcome    evidence  sent+asked      ms  message")
        #expect(row == "r-1        succeeded  answer    2+3             12  läuft ? noch")
    }

    @Test("a row shows the error instead of the message, and marks a reply that is not final")
    func rowOfErrorAndOfPendingReply() throws {
        #expect(try Self.row(Sample.reply(Sample.job(), state: .failed).body).hasSuffix("not_executed: it was not executed"))
        #expect(try Self.row(Sample.reply(Sample.job(.panStatus), state: .pending).body).contains("pending …"))
    }

    @Test("succeeded is green, other final outcomes are red, pending is yellow, and only a terminal gets colours")
    func coloursOfOutcomes() throws {
        for (kind, state, colour) in [(JobKind.recharge, JobState.succeeded, 32), (.recharge, .failed, 31), (.panStatus, .pending, 33)] {
            let body = Sample.reply(Sample.job(kind), state: state).body
            #expect(try Self.row(body, hasColours: true).contains("\u{1B}[\(colour)m"))
            #expect(try !Self.row(body).contains("\u{1B}"))
        }
    }

    @Test(
        "a message without outcome or final is not a reply",
        arguments: ["", "[]", "{}", #"{"outcome":"x"}"#, #"{"outcome":1,"final":true}"#])
    func rejectsOtherMessages(body: String) {
        #expect(ReplyReport(Array(body.utf8)) == nil)
    }
}
