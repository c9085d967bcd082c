import JobModel
import Testing

@Suite("What a person may do to a recharge", .timeLimit(.minutes(1)))
struct OperatorTests {
    private static let later = Moment.steady(Jobs.start + .seconds(60))

    private static func machine(_ state: JobState, _ doubt: DoubtCause? = nil) -> RechargeMachine {
        var progress = Progress()
        progress.state = state
        progress.doubt = doubt
        progress.waitReason = .doubt
        progress.dueAt = state.isFinal ? nil : Jobs.start
        progress.answer = Jobs.answer
        return RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, progress, policy: Jobs.policy)
    }

    @Test("a doubt is settled as succeeded, whether it waits or is parked", arguments: [JobState.inDoubt, .parked])
    func succeeded(state: JobState) throws {
        var machine = Self.machine(state, .unanswered)
        let verdict = machine.resolve(succeeded: true, reason: "seen on the statement", at: Self.later)
        #expect(verdict == Verdict(.succeeded, evidence: .operator, answer: Jobs.answer))
        #expect(machine.progress.state == .succeeded)
        #expect(machine.progress.doubt == nil)
        #expect(machine.progress.dueAt == nil)
        #expect(machine.progress.waitReason == nil)
        #expect(machine.progress.completedAt == Self.later.civil)
        #expect(SeenStep(machine.wake(at: Self.later, jitter: 0)) == .nothing)
    }

    @Test("a doubt is settled as failed, with the person's reason and code", arguments: DoubtCause.allCases)
    func failed(cause: DoubtCause) {
        var machine = Self.machine(.parked, cause)
        let verdict = machine.resolve(succeeded: false, reason: "not on the statement", at: Self.later)
        #expect(
            verdict == Verdict(.failed, evidence: .operator, code: .resolvedByOperator, detail: "not on the statement", answer: Jobs.answer)
        )
        #expect(machine.progress.state == .failed)
    }

    @Test("what BOS said when the person asked goes into the reply, and later answers change nothing")
    func heard() {
        var machine = Self.machine(.inDoubt, .unanswered)
        let heard = Answer(httpStatus: 200, responseCode: 1, message: "found", operatorID: "42")
        #expect(machine.resolve(succeeded: true, reason: "", heard: heard, at: Self.later)?.answer == heard)
        #expect(SeenStep(machine.on(.enquired(.notFound, Jobs.answer), at: Self.later, jitter: 0)) == .nothing)
        #expect(machine.progress.answer == heard)
    }

    @Test("only a doubt can be settled, and only once", arguments: JobState.allCases)
    func onlyDoubts(state: JobState) {
        for succeeded in [true, false] where state != .held || succeeded {
            var machine = Self.machine(state)
            let before = machine.progress
            #expect(machine.resolve(succeeded: succeeded, reason: "", at: Self.later) == nil)
            #expect(machine.progress == before)
        }
        var doubtful = Self.machine(.inDoubt, .duplicate)
        #expect(doubtful.resolve(succeeded: false, reason: "a", at: Self.later) != nil)
        let settled = doubtful.progress
        #expect(doubtful.resolve(succeeded: true, reason: "b", at: Self.later) == nil)
        #expect(doubtful.progress == settled)
    }

    @Test("a parked doubt that is tried again is asked about, never sent", arguments: DoubtCause.allCases)
    func retryParked(cause: DoubtCause) {
        var machine = Self.machine(.parked, cause)
        let isDue = machine.retry(at: Self.later)
        #expect(isDue)
        #expect(machine.progress.state == .inDoubt)
        #expect(machine.progress.doubt == cause)
        #expect(machine.progress.dueAt == Self.later.civil)
        #expect(SeenStep(machine.wake(at: Self.later, jitter: 0)) == .ask)
    }

    @Test("a doubt is sent again by a person's word, under the same reference, and its next sending is the first that counts")
    func sendAgain() {
        for (state, doubt) in [(JobState.parked, DoubtCause.unanswered), (.inDoubt, .unanswered), (.parked, .refused)] {
            var machine = Self.machine(state, doubt)
            let isSent = machine.sendAgain(at: Self.later)
            #expect(isSent)
            #expect(machine.progress.resendings == 1)
            #expect(SeenStep(machine.wake(at: Self.later, jitter: 0)) == .send(.settledBefore))
            #expect(machine.progress.firstSentAt == Self.later.civil)
            #expect(machine.progress.sentTo == Jobs.policy.destination)
        }
    }

    @Test("what BOS knows, what is over and what may be on its way is not sent again by any word", arguments: JobState.allCases)
    func notSentAgain(state: JobState) {
        for doubt in [nil, DoubtCause.acceptedByBOS, .duplicate] {
            var machine = Self.machine(state, doubt)
            let before = machine.progress
            let isSent = machine.sendAgain(at: Self.later)
            #expect(!isSent)
            #expect(machine.progress == before)
        }
    }

    @Test("what was held back was never sent, and may be")
    func retryNeverSent() {
        var machine = Self.machine(.held)
        let isDue = machine.retry(at: Self.later)
        #expect(isDue)
        #expect(SeenStep(machine.wake(at: Self.later, jitter: 0)) == .send(.neverTaken))
    }

    @Test("what was held back is refused by a person's word, and never succeeded by it")
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

    @Test("what is held back is over when its deadline has passed, and not before")
    func heldDeadline() throws {
        var recharge = Jobs.recharge
        recharge.expiresAt = Self.later.civil
        var machine = RechargeMachine(recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        _ = machine.keepBack(repeating: "r-0", .park, at: .steady(Jobs.start))
        let due = try #require(machine.progress.dueAt)
        #expect(SeenStep(machine.wake(at: Self.later, jitter: 0)) == .nothing)
        #expect(machine.progress.dueAt == due)
        #expect(due > Self.later.civil)
        let step = SeenStep(machine.wake(at: .steady(due), jitter: 0))
        #expect(step.summary == "finish expired deadline_passed none")
        #expect(machine.progress.state == .expired)
        #expect(machine.progress.attempts == 0)
    }

    @Test("what waits is due at once; what is over, or may be on its way, is left alone", arguments: JobState.allCases)
    func retryWaiting(state: JobState) {
        var machine = Self.machine(state, state == .inDoubt ? .unanswered : nil)
        let before = machine.progress
        let mayRetry = [JobState.accepted, .inDoubt, .parked, .held].contains(state)
        #expect(machine.retry(at: Self.later) == mayRetry)
        if mayRetry { #expect(machine.progress.dueAt == Self.later.civil) } else { #expect(machine.progress == before) }
    }

    @Test(
        "BOS's answer confirms a person's word, contradicts it or leaves it open",
        arguments: [
            (RechargeMachine.Finding.succeeded, Corroboration.confirmed, Corroboration.contradicted),
            (.failed(refunded: false), .contradicted, .confirmed),
            (.failed(refunded: true), .contradicted, .confirmed),
            (.pending, .open, .contradicted),
            (.notFound, .open, .open),
            (.declined, .open, .open),
        ])
    func corroboration(finding: RechargeMachine.Finding, ofSucceeded: Corroboration, ofFailed: Corroboration) {
        #expect(Corroboration(of: true, by: finding) == ofSucceeded)
        #expect(Corroboration(of: false, by: finding) == ofFailed)
    }
}
