import BOSClient
import JobModel
import Ledger
import Testing

@testable import JobEngine

@Suite("An answer that says that a recharge was not executed", .timeLimit(.minutes(1)))
struct RefusedRechargeTests {
    /// A BOS that gives one answer to all recharges and accepts the credentials of enquiries.
    private struct Refusing: BOSCalls {
        let answer: RawAnswer
        let reader = AnswerReader(BOSConfiguration())

        func recharge(
            _ recharge: Recharge, traceparent: String?, timeout: Duration?, isTimely: @escaping @Sendable () -> Bool
        ) async -> Attempt<RechargeAnswer> { reader.recharge(answer, to: recharge) }

        func enquire(reference: String, registerID: String, traceparent: String?, timeout: Duration?) async -> Attempt<EnquiryAnswer> {
            reader.enquiry(RawAnswer(200, body: #"{"status":false,"message":"No record found"}"#))
        }

        func panStatus(_ query: PANStatusQuery, traceparent: String?, timeout: Duration?) async -> Attempt<PANAnswer> {
            reader.panStatus(answer)
        }

        func renewCredentials(refused: CredentialVersion) async -> Bool { false }
    }

    @Test("because of the credentials is kept for the reply, and counted under its HTTP status")
    func refusalKeptForReply() async {
        let report = await Self.report(
            of: RawAnswer(412, body: #"{"status":false,"response_code":15,"message":"Invalid signature encoding"}"#))
        #expect(report?.refusal == Answer(httpStatus: 412, responseCode: 15, status: false, message: "Invalid signature encoding"))
        #expect(report?.sighting?.name.httpStatus == 412)
    }

    @Test("is believed only if it can be about this recharge, because the recharge is sent again")
    func answerAboutOtherRecharge() async {
        let answers = [(412, #""status":false,"response_code":15"#), (402, #""status":false"#), (429, #""message":"too many""#)]
        for (status, members) in answers {
            for (name, isOurs) in [("R1", true), ("774411", true), ("R2", false), ("774412", false)] {
                let report = await Self.report(of: RawAnswer(status, body: "{\(members),\"refid\":\"\(name)\"}"), sentBefore: "774412")
                var isNotTaken = false
                if case .notTaken = report?.event { isNotTaken = true }
                #expect(isNotTaken == isOurs, "HTTP \(status), \(name): \(report?.note ?? "")")
                // The job must not store the answer to another recharge.
                if case .unknown(let answer, _) = report?.event { #expect(answer == nil, "HTTP \(status), \(name)") }
            }
        }
    }

    /// The gateway's report of a recharge that BOS gives this answer to.
    /// - Parameter other: the reference of a recharge that the gateway sent before.
    private static func report(of answer: RawAnswer, sentBefore other: String = "R0") async -> CallReport<RechargeMachine.Event>? {
        let gateway = BOSClientGateway(Refusing(answer: answer))
        _ = await send(other, through: gateway)
        return await send("R1", through: gateway)
    }

    private static func send(_ reference: String, through gateway: BOSClientGateway) async -> CallReport<RechargeMachine.Event>? {
        let clock = ManualClock()
        var machine = RechargeMachine(
            Recharge(operatorID: 311, subscriber: "9876543210", amount: Money(paise: 1_000), reference: reference, registerID: "merchant"),
            acceptedAt: ManualClock.start, policy: EngineFixture.policy)
        let step = machine.wake(at: clock.moment, jitter: 0)
        switch consume step {
        case .send(let permit):
            return await gateway.recharge(
                machine.recharge, permit: permit, options: CallOptions(traceparent: nil, timeout: .seconds(1)))
        default:
            Issue.record("it is not sent")
            return nil
        }
    }
}
