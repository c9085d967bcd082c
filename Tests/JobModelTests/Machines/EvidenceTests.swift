import JobModel
import Testing

@Suite("The evidence for the outcome of a recharge", .timeLimit(.minutes(1)))
struct EvidenceTests {
    private static let refused = Answer(httpStatus: 401, responseCode: 16, status: false)
    private static let later = ClockReading.monotonic(Jobs.start + .seconds(60))

    /// A recharge in doubt that an operator had sent again. Its new request is on its way.
    private static func resent(expiresAt: Timestamp? = nil, change: (inout RetryPolicy) -> Void = { _ in }) -> RechargeMachine {
        var machine = waiting(expiresAt: expiresAt, change: change)
        _ = machine.wake(at: later, jitter: 0)
        return machine
    }

    private static func waiting(expiresAt: Timestamp? = nil, change: (inout RetryPolicy) -> Void = { _ in }) -> RechargeMachine {
        var (policy, recharge) = (Jobs.policy, Jobs.recharge)
        change(&policy)
        recharge.expiresAt = expiresAt
        let progress = RechargeMachineTests.machine(.parked, doubt: .unanswered).progress
        var machine = RechargeMachine(recharge, acceptedAt: Jobs.start, progress: progress, policy: policy)
        let isResent = machine.sendAgain(at: later)
        #expect(isResent)
        return machine
    }

    private static func end(_ machine: inout RechargeMachine, on event: RechargeMachine.Event) -> String {
        SeenStep(machine.on(event, at: later, jitter: 0)).summary
    }

    @Test("after an operator had it sent again, the answer to the new call or to a later enquiry is the evidence")
    func evidenceAfterResending() {
        for (event, summary) in [
            (RechargeMachine.Event.answered(.done, Jobs.answer), "finish succeeded - answer"),
            (.answered(.refused(isFinal: true), Jobs.answer), "finish failed refused_by_bos answer"),
        ] {
            var machine = Self.resent()
            #expect(Self.end(&machine, on: event) == summary)
            #expect(machine.progress.evidence == .answer)
        }
        var enquired = Self.resent()
        #expect(Self.end(&enquired, on: .unknown(nil)) == "query")
        #expect(enquired.progress.evidence == nil)
        #expect(
            Self.end(&enquired, on: .enquired(.succeeded, answer: Jobs.answer, subject: Jobs.subject, calibration: Jobs.calibrated))
                == "finish succeeded - enquiry")
        #expect(enquired.progress.evidence == .enquiry)
    }

    @Test("after an operator had it sent again, a refusal of its credentials is the evidence")
    func credentialRefusalIsEvidence() {
        for (answer, evidence) in [(Self.refused, "answer"), (nil, "operator")] {
            var machine = Self.resent { $0.maximumCredentialRefusals = 1 }
            #expect(
                Self.end(&machine, on: .notTaken(.ownCredentialsRefused(takesOthers: true, answer: answer)))
                    == "finish failed refused_by_bos \(evidence)")
        }
    }

    @Test("if BOS did not take the new call, the evidence is what resolved the earlier doubt")
    func nothingTaken() {
        var givenUp = Self.resent { $0.maximumFailures = 1 }
        #expect(Self.end(&givenUp, on: .notTaken(.notSent)) == "finish failed gave_up operator")
        var late = Self.waiting(expiresAt: Self.later.wallClock)
        #expect(
            SeenStep(late.wake(at: .monotonic(Self.later.wallClock + .seconds(1)), jitter: 0)).summary
                == "finish failed not_executed operator")
    }

    @Test("after an operator's decision, a later doubt that enquiries resolve has the enquiry as evidence")
    func resolvedByEnquiries() {
        var machine = Self.resent { ($0.notFound.answers, $0.notFound.window, $0.maximumResendings) = (1, .zero, 1) }
        _ = Self.end(&machine, on: .unknown(nil))
        #expect(
            Self.end(&machine, on: .enquired(.notFound, answer: Jobs.answer, calibration: Jobs.calibrated))
                == "finish failed not_executed enquiry")
        var again = Self.resent { ($0.notFound.answers, $0.notFound.window, $0.maximumFailures) = (1, .zero, 1) }
        _ = Self.end(&again, on: .unknown(nil))
        #expect(Self.end(&again, on: .enquired(.notFound, answer: Jobs.answer, calibration: Jobs.calibrated)) == "send settled_not_found")
        #expect(Self.end(&again, on: .notTaken(.notSent)) == "finish failed gave_up enquiry")
    }

    @Test("the answer to DoRecharge stays stored while enquiries find the recharge pending")
    func keptAnswer() {
        let taken = Answer(httpStatus: 200, responseCode: 0, status: true, message: "taken")
        let pending = Answer(httpStatus: 200, responseCode: 1, status: true, message: "pending")
        var machine = RechargeMachineTests.machine(.sending)
        _ = Self.end(&machine, on: .answered(.accepted, taken))
        _ = Self.end(&machine, on: .enquired(.pending, answer: pending, subject: Jobs.subject, calibration: Jobs.calibrated))
        #expect(machine.progress.doubtfulAnswer == taken)
        #expect(machine.takeInterimVerdict() == Verdict(.inDoubt, evidence: .answer, answer: taken))
        var unanswered = RechargeMachineTests.machine(.sending)
        _ = Self.end(&unanswered, on: .unknown(nil))
        _ = Self.end(&unanswered, on: .enquired(.pending, answer: pending, subject: Jobs.subject, calibration: Jobs.calibrated))
        #expect(unanswered.progress.doubtfulAnswer == nil)
        #expect(unanswered.takeInterimVerdict() == Verdict(.inDoubt, evidence: .enquiry, answer: pending))
    }

    @Test("an error page, or an answer without a number, makes way for a pending answer that tells more")
    func replacedAnswer() {
        let pending = Answer(httpStatus: 200, responseCode: 1, status: true, message: "pending", acknowledgement: "774411")
        for stored in [Answer(httpStatus: 503), Answer(httpStatus: 200, responseCode: 9, status: true, message: "failed")] {
            var machine = RechargeMachineTests.machine(.sending)
            _ = Self.end(&machine, on: .unknown(stored))
            _ = Self.end(&machine, on: .enquired(.pending, answer: pending, subject: Jobs.subject, calibration: Jobs.calibrated))
            #expect(machine.progress.doubtfulAnswer == nil)
            #expect(machine.takeInterimVerdict() == Verdict(.inDoubt, evidence: .enquiry, answer: pending))
        }
    }
}
