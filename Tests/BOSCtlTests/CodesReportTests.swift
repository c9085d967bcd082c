import BOSClient
import ExactJSON
import JobModel
import Ledger
import LedgerKit
import Testing

@testable import BOSCtl

@Suite("BOS's answers and the PAN applications as a person reads them", .timeLimit(.minutes(1)))
struct CodesReportTests {
    private static func count(
        _ endpoint: CodeSighting.Endpoint, _ http: Int, _ code: Int?, _ status: Bool?, seen: Int = 1, message: String = "m"
    ) -> CodeCount {
        var count = CodeCount(
            .init(endpoint, httpStatus: http, responseCode: code, status: status), firstSeen: Sample.start, lastSeen: Sample.moment(60),
            message: message)
        count.timesSeen = seen
        return count
    }

    @Test("a code comes with how often it was heard, what became of the recharges, and the setting in which it could be written")
    func lines() {
        var refused = Self.count(.recharge, 200, 5, false, seen: 7, message: "Something went\u{1B}[2J wrong")
        (refused.succeeded, refused.failed, refused.notFound) = (1, 2, 3)
        let lines = CodesReport([refused], .init(), now: Sample.moment(180)).lines
        #expect(lines.count == 2)
        for part in [
            "DoRecharge", "200", "5", "false", "7", "2 min ago", "1 succeeded, 2 failed, 3 not found, 1 open",
            "counts as refused until an enquiry has spoken; could be api.finalCodes, api.acceptedCodes or api.postponedCodes",
            "Something went?[2J wrong",
        ] { #expect(lines[1].contains(part), "\(part)") }
        #expect(CodesReport([], .init(), now: Sample.start).lines == ["BOS has given no other answers than plain successes."])
    }

    @Test("a code that the configuration knows names the setting that it stands in")
    func settings() throws {
        var meanings = CodesReport.Meanings()
        meanings.codes.finalRefusals = [7]
        (meanings.postponed, meanings.enquiryFailed, meanings.panFailed) = ([6], [8], [9])
        let cases: [(CodeCount, String)] = [
            (Self.count(.recharge, 200, 7, false), "api.finalCodes"), (Self.count(.recharge, 200, 6, false), "api.postponedCodes"),
            (Self.count(.recharge, 200, 0, true), "api.acceptedCodes"), (Self.count(.enquiry, 200, 8, false), "api.enquiry.failedCodes"),
            (Self.count(.panStatus, 200, 9, false), "pan.failedCodes"),
            (Self.count(.recharge, 401, 16, false), "fixed: our credentials are refused"),
            (Self.count(.recharge, 401, nil, nil), "fixed: our credentials are refused"),
            (Self.count(.recharge, 200, 11, false), "fixed: the reference was used before"),
            (Self.count(.recharge, 500, nil, nil), "none: in doubt until an enquiry finds it"),
        ]
        for (count, setting) in cases {
            let line = try #require(CodesReport([count], meanings, now: Sample.start).json.first)
            #expect(try JSONValue.parse(Array(line.utf8))["setting"] == .string(setting), "\(line)")
        }
    }

    @Test("for programs each answer is one object, and what did not fit has no name")
    func json() throws {
        let others = CodeCount(nil, firstSeen: Sample.start, lastSeen: Sample.start, message: "")
        let lines = CodesReport([Self.count(.panStatus, 401, nil, true, seen: 2), others], .init(), now: Sample.start).json
        let objects = try lines.map { try JSONValue.parse(Array($0.utf8)) }
        #expect(objects.map { $0["endpoint"] } == [.string("pan_status"), .null])
        #expect(objects[0]["seen"] == .number("2"))
        #expect(objects[0]["response_code"] == .null)
        #expect(objects[0]["status"] == .bool(true))
        #expect(objects[0]["last_seen"] == .string(Sample.moment(60).rfc3339))
        #expect(objects[0]["afterwards"]?["open"] == .number("0"))
    }

    @Test("an application that BOS is being asked about for the first time is among those that are followed")
    func firstCheck() async throws {
        let ledger = MemoryLedger()
        #expect(try await PendingReport(ledger, limit: 10, now: Sample.start).lines == ["No PAN application is pending."])
        _ = try await ledger.claim(Sample.claim(Sample.job(.panStatus, reference: "p-1"), state: .accepted))
        let second = try #require(try await ledger.claim(Sample.claim(Sample.job(.panStatus, reference: "p-2"), state: .accepted)).record)
        _ = try await ledger.update(Sample.update(second.id, to: .pending, dueAt: Sample.moment(60), event: .waiting))
        let lines = try await PendingReport(ledger, limit: 10, now: Sample.start).lines
        #expect(lines.count == 4)
        #expect(lines[1].hasPrefix("p-1") && lines[1].contains("nothing yet") && lines[1].hasSuffix("now"))
        #expect(lines[2].hasPrefix("p-2") && lines[2].contains("not decided") && lines[2].hasSuffix("in 1 min"))
        #expect(lines[3] == "1 pending, 1 being asked about for the first time")
    }
}
