import Foundation
import JobModel
import Testing

@Suite("Replies", .timeLimit(.minutes(1)))
struct ReplyTests {
    static let completed = Jobs.start + .milliseconds(412)

    static func reply(to job: Job, _ verdict: Verdict, attempts: Int = 1, enquiries: Int = 0) -> Reply {
        var progress = Progress()
        progress.attempts = attempts
        progress.enquiries = enquiries
        return Reply(to: job, verdict: verdict, progress: progress, acceptedAt: Jobs.start, at: completed)
    }

    /// A reply for each golden file, by the name of the file.
    static let golden: [(name: String, reply: Reply?)] = {
        let recharge = Job.recharge(Jobs.recharge)
        let status = Job.rechargeStatus(RechargeStatusQuery(reference: "1234435687678", registerID: "1234"))
        let pan = Job.panStatus(PANStatusQuery(reference: "abc"))
        let odd = Answer(
            httpStatus: 200, responseCode: 0, status: nil, message: "\"in\"\n\u{1}Arbeit\\ é😀",
            operatorID: "000123456789012345678901234567890")
        return [
            ("recharge.succeeded", reply(to: recharge, Verdict(.succeeded, evidence: .answer, answer: Jobs.answer))),
            (
                "recharge.failed",
                reply(
                    to: recharge,
                    Verdict(
                        .failed, evidence: .enquiry, code: .notExecuted, detail: "it was not executed",
                        answer: Answer(httpStatus: 401, message: "no")),
                    attempts: 3, enquiries: 9)
            ),
            ("recharge.in_doubt", reply(to: recharge, Verdict(.inDoubt, evidence: .answer, answer: odd), enquiries: 4)),
            (
                "recharge.expired",
                reply(to: recharge, Verdict(.expired, evidence: .none, code: .deadlinePassed, detail: "too late"), attempts: 0)
            ),
            ("recharge.status.pending", reply(to: status, Verdict(.pending, evidence: .enquiry, answer: Jobs.answer))),
            (
                "recharge.status.not_found",
                reply(to: status, Verdict(.notFound, evidence: .enquiry, answer: Answer(httpStatus: 200, status: false, message: "")))
            ),
            (
                "pan.status.pending",
                reply(
                    to: pan,
                    Verdict(
                        .pending, evidence: .answer,
                        answer: Answer(httpStatus: 200, responseCode: 1, status: true, message: "Application is under process at NSDL eGOV")
                    ))
            ),
            (
                "pan.status.succeeded",
                reply(
                    to: pan,
                    Verdict(.succeeded, evidence: .answer, answer: Answer(httpStatus: 200, responseCode: 1, status: true, message: "done")),
                    enquiries: 5)
            ),
            ("refused", refusal(#"{"referenceid":"r-1","amount":0,"operator":1,"canumber":"c"}"#)),
            ("refused.without_kind", refusal("?")),
        ]
    }()

    static func refusal(_ body: String) -> Reply? {
        do throws(JobRefusal) {
            _ = try Jobs.incoming(body).decode(Jobs.rules)
            return nil
        } catch {
            return Reply(refusing: error, at: Jobs.start)
        }
    }

    @Test("a reply equals its golden file byte for byte", arguments: golden.indices)
    func goldenFiles(index: Int) throws {
        let name = Self.golden[index].name
        let reply = try #require(Self.golden[index].reply)
        let url = try #require(Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Golden"))
        var expected = try Array(Data(contentsOf: url))
        #expect(expected.popLast() == UInt8(ascii: "\n"), "the file ends with a line break, the reply does not")
        #expect(String(decoding: reply.body, as: UTF8.self) == String(decoding: expected, as: UTF8.self))
        #expect(reply.body == expected)
    }

    @Test("every golden file has a reply")
    func goldenFilesAreComplete() throws {
        let folder = try #require(Bundle.module.resourceURL?.appendingPathComponent("Golden"))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(Set(names) == Set(Self.golden.map { "\($0.name).json" }))
    }

    @Test("the example of the contract is the reply to the example job")
    func contractExample() throws {
        let text = """
            {"version":1,"kind":"recharge","reference":"1234435687678","outcome":"succeeded","final":true,\
            "operatorid":"1111122233","ackno":"11224445565","message":"Recharge for Aircel of Amount 50 is successful",\
            "error":null,"evidence":"answer","attempts":1,"enquiries":0,\
            "bos":{"http_status":200,"response_code":1,"status":true},\
            "accepted_at":"2026-11-21T09:00:00.000Z","completed_at":"2026-11-21T09:00:00.412Z"}
            """
        #expect(String(decoding: try #require(Self.golden.first?.reply).body, as: UTF8.self) == text)
    }

    @Test("the outcomes that the contract calls final are final")
    func finalOutcomes() {
        for kind in JobKind.allCases {
            for outcome in Outcome.allCases {
                let isInterim = outcome == .inDoubt || outcome == .pending && kind != .rechargeStatus
                #expect(outcome.isFinal(for: kind) == !isInterim)
            }
        }
    }

    @Test("the id of a reply is the same in every version, because receivers drop repeats by it")
    func stableReplyIDs() {
        let recipient = ReplyRecipient(correlationID: "c-1", replyTo: "upstream", traceparent: "00-1")
        // The first 16 bytes of SHA-256 of "recharge\0r-1\0c-1\0upstream\01\0", and without reply_to of "recharge\0r-1\0c-1\0\01\0".
        #expect(ReplyID.make(kind: .recharge, reference: "r-1", recipient: recipient, number: 1) == "531d6c40f9f15078fe10832fc28dead1")
        #expect(
            ReplyID.make(kind: .recharge, reference: "r-1", recipient: ReplyRecipient(correlationID: "c-1"), number: 1)
                == "4f4df269994fa52ae1611e910676f02a")
    }

    @Test("different replies have different ids, and a trace makes no difference")
    func distinctReplyIDs() {
        let make = { (kind: JobKind, reference: String, correlation: String, replyTo: String?, number: Int) in
            ReplyID.make(
                kind: kind, reference: reference, recipient: ReplyRecipient(correlationID: correlation, replyTo: replyTo), number: number)
        }
        let ids = [
            make(.recharge, "r", "c", "q", 1), make(.rechargeStatus, "r", "c", "q", 1), make(.recharge, "s", "c", "q", 1),
            make(.recharge, "r", "d", "q", 1), make(.recharge, "r", "c", nil, 1), make(.recharge, "r", "c", "q", 2),
            make(.recharge, "rc", "", "q", 1), make(.recharge, "", "rc", "q", 1),
        ]
        #expect(Set(ids).count == ids.count)
        #expect(ids.allSatisfy { $0.utf8.count == 32 })
        let traced = ReplyRecipient(correlationID: "c", replyTo: "q", traceparent: "00-2")
        #expect(ReplyID.make(kind: .recharge, reference: "r", recipient: traced, number: 1) == ids[0])
    }

    @Test("the id of a refusal depends on the whole message")
    func refusalIDs() {
        let recipient = ReplyRecipient(correlationID: "c")
        let messages = [
            IncomingJob(body: [1], type: "a", routingKey: "k"), IncomingJob(body: [2], type: "a", routingKey: "k"),
            IncomingJob(body: [1], type: "b", routingKey: "k"), IncomingJob(body: [1], type: "a", routingKey: "l"),
        ]
        let ids = messages.map { ReplyID.make(refusing: $0, recipient: recipient) }
        #expect(Set(ids).count == 4)
        #expect(ReplyID.make(refusing: messages[0], recipient: recipient) == ids[0])
        #expect(ReplyID.make(refusing: messages[0], recipient: ReplyRecipient(correlationID: "d")) != ids[0])
    }
}
