import JobModel
import Testing

@Suite("Questions about a recharge in this ledger", .timeLimit(.minutes(1)))
struct KnownRechargeTests {
    private static func answer(
        _ finding: RechargeMachine.Finding, state: JobState, doubt: DoubtCause? = nil, subject: Subject = Jobs.subject,
        calibration: Calibration = Jobs.calibrated, isSent: Bool = true
    ) -> String {
        var machine = StatusMachineTests.recharge()
        _ = machine.wake(at: Jobs.start, jitter: 0)
        var progress = RechargeMachineTests.machine(state, doubt: doubt).progress
        progress.firstSentAt = isSent ? Jobs.start : nil
        let known = KnownRecharge(recharge: Jobs.recharge, progress: progress)
        let report = EnquiryReport(finding, answer: Jobs.answer, subject: subject, calibration: calibration)
        return SeenStep(machine.on(.found(report, known: known), at: Jobs.start, jitter: 0)).summary
    }

    @Test("until the recharge is final, \"not found\" is answered with pending", arguments: JobState.allCases.filter { !$0.isFinal })
    func pendingUntilFinal(state: JobState) {
        #expect(Self.answer(.notFound, state: state, doubt: .unanswered) == "finish pending - none")
        #expect(Self.answer(.declined, state: state, doubt: .unanswered) == "finish pending - none")
    }

    @Test(
        "no answer of BOS decides the question before the recharge is sent or during the sending",
        arguments: [JobState.accepted, .sending, .held])
    func undecidedBeforeSending(state: JobState) {
        #expect(Self.answer(.succeeded, state: state) == "finish pending - none")
        #expect(Self.answer(.failed(refunded: false), state: state) == "finish pending - none")
    }

    @Test("an answer that resolves the doubt answers the question", arguments: [JobState.inDoubt, .parked])
    func answeredWithDoubt(state: JobState) {
        #expect(Self.answer(.succeeded, state: state, doubt: .unanswered) == "finish succeeded - enquiry")
        #expect(Self.answer(.failed(refunded: false), state: state, doubt: .unanswered) == "finish failed refused_by_bos enquiry")
        #expect(Self.answer(.succeeded, state: state, doubt: .duplicate) == "finish succeeded - enquiry")
        #expect(
            Self.answer(.succeeded, state: state, doubt: .duplicate, subject: Subject(), calibration: Jobs.plain) == "finish pending - none"
        )
        // The enquiry was not seen to find anything, so the worker enquires again.
        #expect(Self.answer(.succeeded, state: state, doubt: .unanswered, subject: Subject(), calibration: .untried) == "wait unanswered")
    }

    @Test("\"not found\" is no answer if BOS has executed the recharge, or if the enquiry finds no recharges")
    func notFoundThoughExecuted() {
        #expect(Self.answer(.notFound, state: .succeeded) == "finish expired gave_up none")
        #expect(Self.answer(.notFound, state: .failed, subject: Subject(), calibration: .blind) == "finish expired gave_up none")
        #expect(Self.answer(.notFound, state: .failed) == "finish not_found - enquiry")
    }

    @Test("for a recharge that was never sent, an answer is usable only if it names the subscriber")
    func neverSent() {
        for finding in [RechargeMachine.Finding.succeeded, .failed(refunded: false), .pending] {
            for state in [JobState.failed, .refused, .expired] {
                #expect(Self.answer(finding, state: state, subject: Subject(), calibration: Jobs.plain, isSent: false) == "wait unanswered")
                let page = Subject(reference: Jobs.recharge.reference, amount: "10", hasData: true)
                #expect(Self.answer(finding, state: state, subject: page, isSent: false) == "wait unanswered")
            }
        }
        #expect(Self.answer(.succeeded, state: .failed, isSent: false) == "finish succeeded - enquiry")
        #expect(
            Self.answer(.notFound, state: .failed, subject: Subject(), calibration: Jobs.plain, isSent: false)
                == "finish not_found - enquiry")
        #expect(Self.answer(.succeeded, state: .failed, subject: Subject(), calibration: Jobs.plain) == "finish succeeded - enquiry")
    }

    @Test("a question about a recharge at another API or account is answered from this ledger, whatever the present API says")
    func sentElsewhere() {
        let cases: [(JobState, Evidence?, Answer?, String)] = [
            (.succeeded, .answer, Jobs.answer, "finish succeeded - answer"), (.succeeded, nil, Jobs.answer, "finish succeeded - none"),
            (.failed, .answer, Jobs.answer, "finish failed refused_by_bos answer"),
            (.failed, .enquiry, nil, "finish failed not_executed enquiry"),
            (.failed, .enquiry, Jobs.answer, "finish failed not_executed enquiry"),
            (.failed, nil, Jobs.answer, "finish failed not_executed none"),
            (.failed, .operator, nil, "finish failed resolved_by_operator operator"),
            (.inDoubt, nil, nil, "finish pending - none"), (.parked, nil, nil, "finish pending - none"),
        ]
        for (state, evidence, answer, summary) in cases {
            var progress = RechargeMachineTests.machine(state, doubt: state.isFinal ? nil : .unanswered).progress
            (progress.sentTo, progress.evidence, progress.answer) = ("https://former.example (auth none)", evidence, answer)
            let known = KnownRecharge(recharge: Jobs.recharge, progress: progress)
            for finding in [RechargeMachine.Finding.succeeded, .failed(refunded: true), .pending, .notFound, .declined] {
                var machine = StatusMachineTests.recharge()
                _ = machine.wake(at: Jobs.start, jitter: 0)
                #expect(!machine.mayEnquire(about: known))
                let event = RechargeStatusMachine.Event.found(
                    finding, answer: Jobs.answer, subject: Jobs.subject, calibration: Jobs.calibrated, known: known)
                #expect(SeenStep(machine.on(event, at: Jobs.start, jitter: 0)).summary == summary)
                #expect(machine.progress.attempts == 1)
            }
            var machine = StatusMachineTests.recharge()
            _ = machine.wake(at: Jobs.start, jitter: 0)
            #expect(SeenStep(machine.on(.sentElsewhere(known), at: Jobs.start, jitter: 0)).summary == summary)
            #expect(machine.progress.attempts == 0)
        }
    }

    @Test("after an answer about another recharge the worker enquires again; after five it gives the question up")
    func answerAboutAnother() {
        var machine = StatusMachineTests.recharge()
        let other = Subject(reference: "r-2", hasData: true)
        for attempt in 1...5 {
            _ = machine.wake(at: Jobs.start, jitter: 0)
            let step = machine.on(.found(.succeeded, answer: Jobs.answer, subject: other), at: Jobs.start, jitter: 0)
            #expect(SeenStep(step).summary == (attempt < 5 ? "wait unanswered" : "finish expired gave_up none"))
        }
    }
}
