import BOSClient
import JobModel
import Ledger
import Testing

@testable import JobEngine

@Suite("What BOS says when it refuses the credentials of a recharge", .timeLimit(.minutes(1)))
struct CredentialsAnswerTests {
    /// A BOS that gives one answer to recharges and takes the credentials of enquiries.
    private struct Refusing: BOSCalls {
        let answer: RawAnswer
        let reader = AnswerReader(BOSConfiguration())

        func recharge(
            _ request: RechargeRequest, traceparent: String?, timeout: Duration?, isTimely: @escaping @Sendable () -> Bool
        ) async -> Attempt<RechargeAnswer> { reader.recharge(answer, to: request) }

        func enquire(reference: String, registerID: String, traceparent: String?, timeout: Duration?) async -> Attempt<EnquiryAnswer> {
            reader.enquiry(RawAnswer(200, #"{"status":false,"message":"No record found"}"#))
        }

        func panStatus(_ request: PANStatusRequest, traceparent: String?, timeout: Duration?) async -> Attempt<PANAnswer> {
            reader.panStatus(answer)
        }

        func renewCredentials(refused: CredentialVersion) async -> Bool { false }
    }

    @Test("is kept for its reply, and counted under the HTTP status that it came with")
    func kept() async {
        let gateway = BOSClientGateway(
            Refusing(answer: RawAnswer(412, #"{"status":false,"response_code":15,"message":"Invalid signature encoding"}"#)))
        var machine = RechargeMachine(
            Recharge(operatorID: 311, subscriber: "9876543210", amount: Money(paise: 1_000), reference: "R1", registerID: "merchant"),
            acceptedAt: ManualClock.start, policy: Workshop.policy)
        let clock = ManualClock()
        let step = machine.wake(at: clock.moment, jitter: 0)
        let call = CallOptions(traceparent: nil, timeout: .seconds(1))
        switch consume step {
        case .send(let permit): Self.check(await gateway.recharge(permit, machine.recharge, call))
        default: Issue.record("it is not sent")
        }
    }

    private static func check(_ report: CallReport<RechargeMachine.Event>) {
        #expect(
            report.refusal == Answer(httpStatus: 412, responseCode: 15, status: false, message: "Invalid signature encoding"))
        #expect(report.sighting?.name.httpStatus == 412)
    }
}
