import JobModel
import Testing

@Suite("A question about a recharge that this ledger holds", .timeLimit(.minutes(1)))
struct KnownRechargeTests {
    private static func answer(
        _ finding: RechargeMachine.Finding, _ state: JobState, _ doubt: DoubtCause? = nil, _ subject: Subject = Jobs.subject,
        _ calibration: Calibration = Jobs.calibrated, isSent: Bool = true
    ) -> String {
        var machine = StatusMachineTests.recharge()
        _ = machine.wake(at: Jobs.start, jitter: 0)
        var progress = RechargeMachineTests.machine(state, doubt).progress
        progress.firstSentAt = isSent ? Jobs.start : nil
        let known = KnownRecharge(recharge: Jobs.recharge, progress: progress)
        return SeenStep(machine.on(.found(finding, Jobs.answer, subject, calibration, known: known), at: Jobs.start, jitter: 0)).summary
    }

    @Test("while the recharge is not over, \"not found\" is answered with pending", arguments: JobState.allCases.filter { !$0.isFinal })
    func unfinished(state: JobState) {
        #expect(Self.answer(.notFound, state, .unanswered) == "finish pending - none")
        #expect(Self.answer(.declined, state, .unanswered) == "finish pending - none")
    }

    @Test("before it was sent, or while it is, no answer of BOS settles it", arguments: [JobState.accepted, .sending, .held])
    func unsent(state: JobState) {
        #expect(Self.answer(.succeeded, state) == "finish pending - none")
        #expect(Self.answer(.failed(refunded: false), state) == "finish pending - none")
    }

    @Test("what settles the doubt answers the question", arguments: [JobState.inDoubt, .parked])
    func doubt(state: JobState) {
        #expect(Self.answer(.succeeded, state, .unanswered) == "finish succeeded - enquiry")
        #expect(Self.answer(.failed(refunded: false), state, .unanswered) == "finish failed refused_by_bos enquiry")
        #expect(Self.answer(.succeeded, state, .duplicate) == "finish succeeded - enquiry")
        #expect(Self.answer(.succeeded, state, .duplicate, Subject(), Jobs.plain) == "finish pending - none")
        // What was not seen to find anything is asked again.
        #expect(Self.answer(.succeeded, state, .unanswered, Subject(), .untried) == "wait unanswered")
    }

    @Test("\"not found\" is no answer about a recharge that BOS has executed, nor from an enquiry that finds nothing")
    func executed() {
        #expect(Self.answer(.notFound, .succeeded) == "finish expired gave_up none")
        #expect(Self.answer(.notFound, .failed, nil, Subject(), .blind) == "finish expired gave_up none")
        #expect(Self.answer(.notFound, .failed) == "finish not_found - enquiry")
    }

    @Test("what BOS says of a recharge that was never sent is another system's, unless it names the subscriber")
    func neverSent() {
        for finding in [RechargeMachine.Finding.succeeded, .failed(refunded: false), .pending] {
            for state in [JobState.failed, .refused, .expired] {
                #expect(Self.answer(finding, state, nil, Subject(), Jobs.plain, isSent: false) == "wait unanswered")
                let page = Subject(reference: Jobs.recharge.reference, amount: "10", hasData: true)
                #expect(Self.answer(finding, state, nil, page, isSent: false) == "wait unanswered")
            }
        }
        #expect(Self.answer(.succeeded, .failed, isSent: false) == "finish succeeded - enquiry")
        #expect(Self.answer(.notFound, .failed, nil, Subject(), Jobs.plain, isSent: false) == "finish not_found - enquiry")
        #expect(Self.answer(.succeeded, .failed, nil, Subject(), Jobs.plain) == "finish succeeded - enquiry")
    }

    @Test("what was sent to another API or account is answered from this ledger, whatever the API of now says of it")
    func elsewhere() {
        let cases: [(JobState, Evidence?, Answer?, String)] = [
            (.succeeded, .answer, Jobs.answer, "finish succeeded - answer"), (.succeeded, nil, Jobs.answer, "finish succeeded - none"),
            (.failed, .answer, Jobs.answer, "finish failed refused_by_bos answer"),
            (.failed, .enquiry, nil, "finish failed not_executed enquiry"),
            (.failed, .operator, nil, "finish failed resolved_by_operator operator"),
            (.inDoubt, nil, nil, "finish pending - none"), (.parked, nil, nil, "finish pending - none"),
        ]
        for (state, evidence, answer, summary) in cases {
            var progress = RechargeMachineTests.machine(state, state.isFinal ? nil : .unanswered).progress
            (progress.sentTo, progress.evidence, progress.answer) = ("https://former.example (auth none)", evidence, answer)
            let known = KnownRecharge(recharge: Jobs.recharge, progress: progress)
            for finding in [RechargeMachine.Finding.succeeded, .failed(refunded: true), .pending, .notFound, .declined] {
                var machine = StatusMachineTests.recharge()
                _ = machine.wake(at: Jobs.start, jitter: 0)
                #expect(!machine.mayAsk(about: known))
                let event = RechargeStatusMachine.Event.found(finding, Jobs.answer, Jobs.subject, Jobs.calibrated, known: known)
                #expect(SeenStep(machine.on(event, at: Jobs.start, jitter: 0)).summary == summary)
                #expect(machine.progress.attempts == 1)
            }
            var machine = StatusMachineTests.recharge()
            _ = machine.wake(at: Jobs.start, jitter: 0)
            #expect(SeenStep(machine.on(.sentElsewhere(known), at: Jobs.start, jitter: 0)).summary == summary)
            #expect(machine.progress.attempts == 0)
        }
    }

    @Test("an answer about another recharge is asked for again, and answers nothing in the end")
    func other() {
        var machine = StatusMachineTests.recharge()
        for attempt in 1...5 {
            _ = machine.wake(at: Jobs.start, jitter: 0)
            let step = machine.on(.found(.succeeded, Jobs.answer, Subject(reference: "r-2", hasData: true)), at: Jobs.start, jitter: 0)
            #expect(SeenStep(step).summary == (attempt < 5 ? "wait unanswered" : "finish expired gave_up none"))
        }
    }
}
