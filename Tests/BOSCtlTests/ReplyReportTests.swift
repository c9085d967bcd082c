import JobModel
import LedgerKit
import Testing

@testable import BOSCtl

@Suite("Replies as a person reads them", .timeLimit(.minutes(1)))
struct ReplyReportTests {
    private static func row(_ body: [UInt8], hasColours: Bool = false) throws -> String {
        let report = try #require(ReplyReport(body))
        return ReplyTable(referenceWidth: 3, hasColours: hasColours).row(reference: "r-1", report, elapsed: .milliseconds(12))
    }

    @Test("a reply's row has its outcome, how it is known, what it took and what BOS said")
    func rows() throws {
        let row = try Self.row(Sample.reply(Sample.job(), state: .succeeded).body)
        let header = ReplyTable(referenceWidth: 3, hasColours: false).header
        #expect(header == "reference  outcome    evidence  sent+asked      ms  message")
        #expect(row == "r-1        succeeded  answer    2+3             12  läuft ? noch")
    }

    @Test("an error is told before BOS's message, and what is not final is marked")
    func errors() throws {
        #expect(try Self.row(Sample.reply(Sample.job(), state: .failed).body).hasSuffix("not_executed: it was not executed"))
        #expect(try Self.row(Sample.reply(Sample.job(.panStatus), state: .pending).body).contains("pending …"))
    }

    @Test("colours tell what is well, what is over and what is open, and only where somebody sees them")
    func colours() throws {
        for (kind, state, colour) in [(JobKind.recharge, JobState.succeeded, 32), (.recharge, .failed, 31), (.panStatus, .pending, 33)] {
            let body = Sample.reply(Sample.job(kind), state: state).body
            #expect(try Self.row(body, hasColours: true).contains("\u{1B}[\(colour)m"))
            #expect(try !Self.row(body).contains("\u{1B}"))
        }
    }

    @Test("what is no reply is none", arguments: ["", "[]", "{}", #"{"outcome":"x"}"#, #"{"outcome":1,"final":true}"#])
    func noReply(body: String) {
        #expect(ReplyReport(Array(body.utf8)) == nil)
    }
}
