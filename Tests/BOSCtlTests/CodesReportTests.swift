import BOSClient
import ExactJSON
import JobModel
import Ledger
import LedgerKit
import Testing

@testable import BOSCtl

@Suite("The lists of BOS's answers and of PAN applications", .timeLimit(.minutes(1)))
struct CodesReportTests {
    private static func count(
        _ endpoint: CodeSighting.Endpoint, http: Int, code: Int?, status: Bool?, seen: Int = 1, message: String = "m"
    ) -> CodeCount {
        var count = CodeCount(
            .init(endpoint, httpStatus: http, responseCode: code, status: status), firstSeen: Sample.start, lastSeen: Sample.moment(60),
            message: message)
        count.timesSeen = seen
        return count
    }

    @Test("the row of a code shows how often it came, what became of the recharges, and the keys that could hold it")
    func rowOfUnknownCode() {
        var refused = Self.count(.recharge, http: 200, code: 5, status: false, seen: 7, message: "Something went\u{1B}[2J wrong")
        (refused.succeeded, refused.failed, refused.notFound) = (1, 2, 3)
        let lines = CodesReport([refused], meanings: .init(), now: Sample.moment(180)).lines
        #expect(lines.count == 2)
        for part in [
            "DoRecharge", "200", "5", "false", "7", "2 min ago", "1 succeeded, 2 failed, 3 not found, 1 open",
            "counts as refused until an enquiry decides; could be api.acceptedCodes or api.finalCodes or api.postponedCodes",
            "Something went?[2J wrong",
        ] { #expect(lines[1].contains(part), "\(part)") }
        #expect(CodesReport([], meanings: .init(), now: Sample.start).lines == ["BOS has given no answers other than plain successes."])
    }

    @Test("a code that the configuration knows is shown with the key that holds it")
    func settingOfKnownCode() throws {
        var meanings = CodesReport.Meanings()
        meanings.codes.finalRefusals = [7]
        (meanings.codes.postponed, meanings.enquiryFailed, meanings.panFailed) = ([6], [8], [9])
        let cases: [(CodeCount, String)] = [
            (Self.count(.recharge, http: 200, code: 7, status: false), "api.finalCodes"),
            (Self.count(.recharge, http: 200, code: 6, status: false), "api.postponedCodes"),
            (Self.count(.recharge, http: 200, code: 0, status: true), "api.acceptedCodes"),
            (Self.count(.enquiry, http: 200, code: 8, status: false), "api.enquiry.failedCodes"),
            (Self.count(.panStatus, http: 200, code: 9, status: false), "pan.failedCodes"),
            (Self.count(.recharge, http: 401, code: 16, status: false), "fixed: our credentials are refused"),
            (Self.count(.recharge, http: 401, code: nil, status: nil), "fixed: our credentials are refused"),
            (Self.count(.recharge, http: 200, code: 11, status: false), "fixed: the reference was used before"),
            (Self.count(.recharge, http: 500, code: nil, status: nil), "none: in doubt until an enquiry finds it"),
        ]
        for (count, setting) in cases {
            let line = try #require(CodesReport([count], meanings: meanings, now: Sample.start).json.first)
            #expect(line["setting"] == .string(setting), "\(line)")
        }
    }

    @Test("the JSON has one object for each answer, and null names for the answers that are counted together")
    func jsonObjects() throws {
        let others = CodeCount(nil, firstSeen: Sample.start, lastSeen: Sample.start, message: "")
        let objects = CodesReport(
            [Self.count(.panStatus, http: 401, code: nil, status: true, seen: 2), others], meanings: .init(), now: Sample.start
        ).json
        #expect(objects.map { $0["endpoint"] } == [.string("pan_status"), .null])
        #expect(objects[0]["seen"] == .number("2"))
        #expect(objects[0]["response_code"] == .null)
        #expect(objects[0]["status"] == .bool(true))
        #expect(objects[0]["last_seen"] == .string(Sample.moment(60).rfc3339))
        #expect(objects[0]["afterwards"]?["open"] == .number("0"))
    }

    @Test("the list of PAN applications includes those that BOS is asked about for the first time")
    func pendingListIncludesFirstChecks() async throws {
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
