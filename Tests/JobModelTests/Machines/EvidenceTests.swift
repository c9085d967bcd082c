import JobModel
import Testing

@Suite("The evidence of a recharge", .timeLimit(.minutes(1)))
struct EvidenceTests {
    private static let refused = Answer(httpStatus: 401, responseCode: 16, status: false)
    private static let later = Moment.steady(Jobs.start + .seconds(60))

    /// A doubt that a person has had sent again, whose new request is on its way.
    private static func resent(expiresAt: Timestamp? = nil, _ change: (inout RetryPolicy) -> Void = { _ in }) -> RechargeMachine {
        var machine = waiting(expiresAt: expiresAt, change)
        _ = machine.wake(at: later, jitter: 0)
        return machine
    }

    private static func waiting(expiresAt: Timestamp? = nil, _ change: (inout RetryPolicy) -> Void = { _ in }) -> RechargeMachine {
        var (policy, recharge) = (Jobs.policy, Jobs.recharge)
        change(&policy)
        recharge.expiresAt = expiresAt
        let progress = RechargeMachineTests.machine(.parked, .unanswered).progress
        var machine = RechargeMachine(recharge, acceptedAt: Jobs.start, progress, policy: policy)
        let isResent = machine.sendAgain(at: later)
        #expect(isResent)
        return machine
    }

    private static func end(_ machine: inout RechargeMachine, _ event: RechargeMachine.Event) -> String {
        SeenStep(machine.on(event, at: later, jitter: 0)).summary
    }

    @Test("after a person had it sent again, the answer to the new call is the evidence, or a later enquiry")
    func newCall() {
        for (event, summary) in [
            (RechargeMachine.Event.answered(.done, Jobs.answer), "finish succeeded - answer"),
            (.answered(.refused(isFinal: true), Jobs.answer), "finish failed refused_by_bos answer"),
        ] {
            var machine = Self.resent()
            #expect(Self.end(&machine, event) == summary)
            #expect(machine.progress.evidence == .answer)
        }
        var asked = Self.resent()
        #expect(Self.end(&asked, .unknown(nil)) == "ask")
        #expect(asked.progress.evidence == nil)
        #expect(Self.end(&asked, .enquired(.succeeded, Jobs.answer, Jobs.subject, Jobs.calibrated)) == "finish succeeded - enquiry")
        #expect(asked.progress.evidence == .enquiry)
    }

    @Test("after a person had it sent again, a refusal of its credentials is the evidence")
    func credentials() {
        for (answer, evidence) in [(Self.refused, "answer"), (nil, "operator")] {
            var machine = Self.resent { $0.maximumCredentialRefusals = 1 }
            #expect(
                Self.end(&machine, .notTaken(.ownCredentialsRefused(takesOthers: true, answer)))
                    == "finish failed refused_by_bos \(evidence)")
        }
    }

    @Test("where nothing of the new call was taken, what has settled the doubt before it is the evidence")
    func nothingTaken() {
        var givenUp = Self.resent { $0.maximumFailures = 1 }
        #expect(Self.end(&givenUp, .notTaken(.notSent)) == "finish failed gave_up operator")
        var late = Self.waiting(expiresAt: Self.later.civil)
        #expect(
            SeenStep(late.wake(at: .steady(Self.later.civil + .seconds(1)), jitter: 0)).summary == "finish failed not_executed operator")
    }

    @Test("a doubt that enquiries have settled after a person's is settled by them")
    func settledByEnquiries() {
        var machine = Self.resent { ($0.settle.answers, $0.settle.window, $0.maximumResendings) = (1, .zero, 1) }
        _ = Self.end(&machine, .unknown(nil))
        #expect(
            Self.end(&machine, .enquired(.notFound, Jobs.answer, Subject(), Jobs.calibrated)) == "finish failed not_executed enquiry")
        var again = Self.resent { ($0.settle.answers, $0.settle.window, $0.maximumFailures) = (1, .zero, 1) }
        _ = Self.end(&again, .unknown(nil))
        #expect(Self.end(&again, .enquired(.notFound, Jobs.answer, Subject(), Jobs.calibrated)) == "send settled_not_found")
        #expect(Self.end(&again, .notTaken(.notSent)) == "finish failed gave_up enquiry")
    }

    @Test("what BOS said to the recharge itself is kept while enquiries find it pending")
    func keptAnswer() {
        let taken = Answer(httpStatus: 200, responseCode: 0, status: true, message: "taken")
        let pending = Answer(httpStatus: 200, responseCode: 1, status: true, message: "pending")
        var machine = RechargeMachineTests.machine(.sending)
        _ = Self.end(&machine, .answered(.accepted, taken))
        _ = Self.end(&machine, .enquired(.pending, pending, Jobs.subject, Jobs.calibrated))
        #expect(machine.progress.doubtfulAnswer == taken)
        #expect(machine.setAside() == Verdict(.inDoubt, evidence: .answer, answer: taken))
        var unanswered = RechargeMachineTests.machine(.sending)
        _ = Self.end(&unanswered, .unknown(nil))
        _ = Self.end(&unanswered, .enquired(.pending, pending, Jobs.subject, Jobs.calibrated))
        #expect(unanswered.progress.doubtfulAnswer == nil)
        #expect(unanswered.setAside() == Verdict(.inDoubt, evidence: .enquiry, answer: pending))
    }
}
