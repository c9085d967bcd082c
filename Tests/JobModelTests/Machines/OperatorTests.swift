import JobModel
import Testing

@Suite("What an operator may do to a recharge", .timeLimit(.minutes(1)))
struct OperatorTests {
    private static let later = ClockReading.monotonic(Jobs.start + .seconds(60))

    private static func machine(_ state: JobState, doubt: DoubtCause? = nil) -> RechargeMachine {
        var progress = Progress()
        progress.state = state
        progress.doubt = doubt
        progress.waitReason = .doubt
        progress.dueAt = state.isFinal ? nil : Jobs.start
        progress.answer = Jobs.answer
        return RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, progress: progress, policy: Jobs.policy)
    }

    @Test("a doubt can be resolved as succeeded, whether it waits or is parked", arguments: [JobState.inDoubt, .parked])
    func succeeded(state: JobState) throws {
        var machine = Self.machine(state, doubt: .unanswered)
        let verdict = machine.resolve(succeeded: true, reason: "seen on the statement", at: Self.later)
        #expect(verdict == Verdict(.succeeded, evidence: .operator, answer: Jobs.answer))
        #expect(machine.progress.state == .succeeded)
        #expect(machine.progress.doubt == nil)
        #expect(machine.progress.dueAt == nil)
        #expect(machine.progress.waitReason == nil)
        #expect(machine.progress.completedAt == Self.later.wallClock)
        #expect(SeenStep(machine.wake(at: Self.later, jitter: 0)) == .nothing)
    }

    @Test("a doubt can be resolved as failed, with the operator's reason and its own code", arguments: DoubtCause.allCases)
    func failed(cause: DoubtCause) {
        var machine = Self.machine(.parked, doubt: cause)
        let verdict = machine.resolve(succeeded: false, reason: "not on the statement", at: Self.later)
        #expect(
            verdict == Verdict(.failed, evidence: .operator, code: .resolvedByOperator, detail: "not on the statement", answer: Jobs.answer)
        )
        #expect(machine.progress.state == .failed)
    }

    @Test("BOS's answer to the operator's enquiry goes into the reply, and later answers change nothing")
    func answerToOperator() {
        var machine = Self.machine(.inDoubt, doubt: .unanswered)
        let heard = Answer(httpStatus: 200, responseCode: 1, message: "found", operatorID: "42")
        #expect(machine.resolve(succeeded: true, reason: "", heard: heard, at: Self.later)?.answer == heard)
        #expect(SeenStep(machine.on(.enquired(.notFound, answer: Jobs.answer), at: Self.later, jitter: 0)) == .nothing)
        #expect(machine.progress.answer == heard)
    }

    @Test("only a doubt can be resolved, and only once", arguments: JobState.allCases)
    func onlyDoubts(state: JobState) {
        for succeeded in [true, false] where state != .held || succeeded {
            var machine = Self.machine(state)
            let before = machine.progress
            #expect(machine.resolve(succeeded: succeeded, reason: "", at: Self.later) == nil)
            #expect(machine.progress == before)
        }
        var doubtful = Self.machine(.inDoubt, doubt: .duplicate)
        #expect(doubtful.resolve(succeeded: false, reason: "a", at: Self.later) != nil)
        let resolved = doubtful.progress
        #expect(doubtful.resolve(succeeded: true, reason: "b", at: Self.later) == nil)
        #expect(doubtful.progress == resolved)
    }

    @Test("a retry of a parked doubt leads to an enquiry, never to a sending", arguments: DoubtCause.allCases)
    func retryParked(cause: DoubtCause) {
        var machine = Self.machine(.parked, doubt: cause)
        let isDue = machine.retry(at: Self.later)
        #expect(isDue)
        #expect(machine.progress.state == .inDoubt)
        #expect(machine.progress.doubt == cause)
        #expect(machine.progress.dueAt == Self.later.wallClock)
        #expect(SeenStep(machine.wake(at: Self.later, jitter: 0)) == .query)
    }

    @Test("an operator can have a doubt sent again, and its age counts from the new sending")
    func sendAgain() {
        for (state, doubt) in [(JobState.parked, DoubtCause.unanswered), (.inDoubt, .unanswered), (.parked, .refused)] {
            var machine = Self.machine(state, doubt: doubt)
            let isSent = machine.sendAgain(at: Self.later)
            #expect(isSent)
            #expect(machine.progress.resendings == 1)
            #expect(SeenStep(machine.wake(at: Self.later, jitter: 0)) == .send(.resolvedBefore))
            #expect(machine.progress.firstSentAt == Self.later.wallClock)
            #expect(machine.progress.sentTo == Jobs.policy.destination)
        }
    }

    @Test("an operator cannot resend a recharge that BOS knows, that is final or that may be on its way", arguments: JobState.allCases)
    func notSentAgain(state: JobState) {
        for doubt in [nil, DoubtCause.acceptedByBOS, .duplicate] {
            var machine = Self.machine(state, doubt: doubt)
            let before = machine.progress
            let isSent = machine.sendAgain(at: Self.later)
            #expect(!isSent)
            #expect(machine.progress == before)
        }
    }

    @Test("a held recharge was never sent, and an operator can have it sent")
    func retryHeld() {
        var machine = Self.machine(.held)
        let isDue = machine.retry(at: Self.later)
        #expect(isDue)
        #expect(SeenStep(machine.wake(at: Self.later, jitter: 0)) == .send(.neverTaken))
    }

    @Test("a held recharge can be resolved as refused, never as succeeded")
    func resolveHeld() {
        var machine = Self.machine(.held)
        let succeeded = machine.resolve(succeeded: true, reason: "seen", at: Self.later)
        #expect(succeeded == nil)
        #expect(machine.progress.state == .held)
        let verdict = machine.resolve(succeeded: false, reason: "not meant", at: Self.later)
        #expect(verdict?.outcome == .refused)
        #expect(verdict?.failure?.code == .resolvedByOperator)
        #expect(verdict?.failure?.detail == "not meant")
        #expect(machine.progress.state == .refused)
    }

    @Test("a held recharge expires after its deadline, not before")
    func heldDeadline() throws {
        var recharge = Jobs.recharge
        recharge.expiresAt = Self.later.wallClock
        var machine = RechargeMachine(recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        _ = machine.holdOrRefuse(repeating: "r-0", action: .park, at: .monotonic(Jobs.start))
        let due = try #require(machine.progress.dueAt)
        #expect(SeenStep(machine.wake(at: Self.later, jitter: 0)) == .nothing)
        #expect(machine.progress.dueAt == due)
        #expect(due > Self.later.wallClock)
        let step = SeenStep(machine.wake(at: .monotonic(due), jitter: 0))
        #expect(step.summary == "finish expired deadline_passed none")
        #expect(machine.progress.state == .expired)
        #expect(machine.progress.attempts == 0)
    }

    @Test(
        "a retry makes a waiting recharge due at once, and changes nothing if it is final or may be on its way",
        arguments: JobState.allCases)
    func retryWaiting(state: JobState) {
        var machine = Self.machine(state, doubt: state == .inDoubt ? .unanswered : nil)
        let before = machine.progress
        let mayRetry = [JobState.accepted, .inDoubt, .parked, .held].contains(state)
        #expect(machine.retry(at: Self.later) == mayRetry)
        if mayRetry { #expect(machine.progress.dueAt == Self.later.wallClock) } else { #expect(machine.progress == before) }
    }

    @Test(
        "BOS's answer confirms the operator's decision, contradicts it or leaves it open",
        arguments: [
            (RechargeMachine.Finding.succeeded, Corroboration.confirmed, Corroboration.contradicted),
            (.failed(refunded: false), .contradicted, .confirmed),
            (.failed(refunded: true), .contradicted, .confirmed),
            (.pending, .open, .contradicted),
            (.notFound, .open, .open),
            (.declined, .open, .open),
        ])
    func corroboration(finding: RechargeMachine.Finding, forSuccess: Corroboration, forFailure: Corroboration) {
        #expect(Corroboration(claimsSuccess: true, finding: finding) == forSuccess)
        #expect(Corroboration(claimsSuccess: false, finding: finding) == forFailure)
    }
}
