import AMQP
import ExactJSON
import LedgerSQLite
import Testing

@testable import BOSCtl

@Suite("The doctor's lines", .timeLimit(.minutes(1)))
struct DoctorReportTests {
    @Test("are at most 100 columns wide, with the mend below what it mends, and a count at the end")
    func lines() {
        let long = Array(repeating: "something", count: 20).joined(separator: " ")
        let report = DoctorReport(diagnoses: [
            .ok("broker", finding: "answers"), .warning("policies", finding: long, mend: "mend it"),
            .fault("ledger", finding: "away", mend: long),
        ])
        #expect(report.lines.first == "ok       broker    answers")
        #expect(report.lines.allSatisfy { $0.count <= 100 }, "\(report.lines)")
        #expect(report.lines.contains("                   mend: mend it"))
        #expect(report.lines.last == "1 ok, 1 warnings, 1 faults")
        #expect(report.hasFault)
        #expect(report.hasWarning)
    }

    @Test("answer programs with check, level, finding and mend")
    func json() {
        let report = DoctorReport(diagnoses: [.ok("broker", finding: "answers"), .fault("ledger", finding: "a\nb", mend: "mend it")])
        #expect(
            report.json.map { String(decoding: $0.encoded, as: UTF8.self) } == [
                #"{"check":"broker","level":"ok","finding":"answers","mend":null}"#,
                #"{"check":"ledger","level":"fault","finding":"a?b","mend":"mend it"}"#,
            ])
    }

    @Test(
        "judge the broker by its version",
        arguments: [
            ("3.9.13", true, Diagnosis.Level.fault), ("3.9.13", false, .ok), ("3.10.8", true, .ok), ("4.1.0", true, .ok),
            ("?", true, .warning),
        ])
    func versions(version: String, usesQuorumQueues: Bool, level: Diagnosis.Level) {
        let diagnosis = BrokerVersion(version).diagnosis(usesQuorumQueues: usesQuorumQueues)
        #expect(diagnosis.level == level)
        #expect(diagnosis.finding.contains("20th delivery") == version.hasPrefix("4"))
    }

    @Test(
        "judge a certificate by the time that it has left",
        arguments: [(-1, Diagnosis.Level.fault), (2 * 86_400, .fault), (20 * 86_400, .warning), (22 * 86_400, .ok)])
    func certificates(secondsLeft: Int, level: Diagnosis.Level) {
        #expect(CertificateExpiry.diagnosis("BOS TLS", secondsLeft: secondsLeft).level == level)
    }

    @Test(
        "judge the clock by BOS's date, which has no fractions of a second",
        arguments: [(0.9, Diagnosis.Level.ok), (-1.0, .ok), (10.0, .warning), (-10.0, .warning), (90.0, .fault)])
    func clocks(ahead: Double, level: Diagnosis.Level) {
        let diagnosis = BOSExamination.clock(ahead: ahead, uncertainty: 1.1)
        #expect(diagnosis.level == level)
        if level != .ok { #expect(diagnosis.finding.contains(ahead < 0 ? "behind" : "ahead of")) }
    }

    @Test("read a date as servers have to send it, and no other text")
    func dates() {
        #expect(HTTPDate.seconds("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
        for text in ["Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Now 1994 08:49:37 GMT", ""] {
            #expect(HTTPDate.seconds(text) == nil)
        }
    }

    @Test(
        "judge the ledger's disk by its room, and by whether a copy has room",
        arguments: [(1, 50 << 20, Diagnosis.Level.fault), (1, 500 << 20, .warning), (1, 2 << 30, .ok), (4 << 30, 2 << 30, .warning)])
    func room(bytes: Int, freeBytes: Int, level: Diagnosis.Level) {
        let overview = LedgerKeeper.Overview(mark: nil, jobs: 1, openRecharges: [:], bytes: bytes, freeBytes: freeBytes)
        #expect(LedgerExamination.room(overview).level == level)
    }

    @Test("any name of a queue is one segment of a path")
    func segments() {
        #expect("/".pathSegment == "%2F")
        #expect("bos.recharge-1_~".pathSegment == "bos.recharge-1_~")
        #expect("a b/ä?#".pathSegment == "a%20b%2F%C3%A4%3F%23")
    }
}

@Suite("The topology's report", .timeLimit(.minutes(1)))
struct TopologyReportTests {
    private static let report = TopologyReport(
        rows: [
            .init(item: .exchange(name: "bos.jobs", kind: "direct"), comparison: .same),
            .init(item: .queue(name: "bos.dead"), comparison: .missing),
            .init(
                item: .queue(name: "bos.recharge"),
                comparison: .different([
                    ArgumentDifference("x-delivery-limit", expected: "1000", current: "20"),
                    ArgumentDifference("x-overflow", expected: "reject-publish", current: nil),
                ])),
            .init(item: .binding(queue: "bos.dead", exchange: "bos.dead", routingKey: ""), comparison: .untold("AMQP does not show it")),
        ], remarks: ["a remark"])

    @Test("has one line for each argument that differs, and says what to do")
    func lines() {
        let lines = Self.report.lines
        #expect(lines.contains { $0.contains("queue bos.recharge") && $0.contains("x-delivery-limit: expected 1000, is 20") })
        #expect(lines.contains { $0.contains("queue bos.recharge") && $0.contains("x-overflow: expected reject-publish, is none") })
        #expect(lines.contains { $0.contains("queue bos.dead") && $0.contains("missing") && $0.contains("bosctl topology apply") })
        #expect(lines.contains("1 as expected, 1 missing, 1 different, 1 not told by the broker"))
        #expect(lines.allSatisfy { $0.count <= 100 }, "\(lines)")
        #expect(!Self.report.isRight)
        #expect(Self.report.creatable == [.queue(name: "bos.dead")])
        #expect(Self.report.untoldBindings.count == 1)
    }

    @Test("answers programs with object, state and arguments")
    func json() {
        let json = Self.report.json.map { String(decoding: $0.encoded, as: UTF8.self) }
        #expect(json[0] == #"{"object":"exchange bos.jobs","state":"ok"}"#)
        #expect(json[1] == #"{"object":"queue bos.dead","state":"missing"}"#)
        #expect(json[2].contains(#"{"name":"x-overflow","expected":"reject-publish","current":null}"#))
        #expect(json[4] == #"{"remark":"a remark"}"#)
    }
}
