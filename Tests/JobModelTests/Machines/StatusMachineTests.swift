import JobModel
import Testing

@Suite("The life of a question", .timeLimit(.minutes(1)))
struct StatusMachineTests {
    static func recharge(_ state: JobState = .accepted, expiresAt: Timestamp? = nil) -> RechargeStatusMachine {
        var progress = Progress()
        progress.state = state
        return RechargeStatusMachine(
            RechargeStatusQuery(reference: "r", registerID: "1", expiresAt: expiresAt), acceptedAt: Jobs.start, progress,
            policy: Jobs.policy)
    }

    static func pan(_ state: JobState = .accepted, expiresAt: Timestamp? = nil) -> PANStatusMachine {
        var progress = Progress()
        progress.state = state
        return PANStatusMachine(
            PANStatusQuery(reference: "p", expiresAt: expiresAt), acceptedAt: Jobs.start, progress, policy: Jobs.policy)
    }

    static let rechargeEvents: [(event: RechargeStatusMachine.Event, step: String, state: JobState)] =
        [
            (.found(.succeeded, Jobs.answer, Subject(), Jobs.plain), "finish succeeded - enquiry", .succeeded),
            (.found(.failed(refunded: false), Jobs.answer, Subject(), Jobs.plain), "finish failed refused_by_bos enquiry", .failed),
            (.found(.failed(refunded: true), Jobs.answer, Subject(), Jobs.plain), "finish failed refused_by_bos enquiry", .failed),
            (.found(.pending, Jobs.answer), "finish pending - enquiry", .answeredPending),
            (.found(.notFound, Jobs.answer, Subject(), Jobs.plain), "finish not_found - enquiry", .notFound),
            // What was not seen to find anything does not tell that BOS does not know it.
            (.found(.notFound, Jobs.answer), "finish expired gave_up none", .expired),
            (.found(.notFound, Jobs.answer, Subject(), .blind), "finish expired gave_up none", .expired),
            (.found(.declined, Jobs.answer), "finish expired gave_up none", .expired),
            (.ownCredentialsRefused, "wait own_credentials_refused", .accepted),
        ] + WaitReason.allCases.map { (.unanswered($0, retryAfter: nil), "wait \($0.rawValue)", .accepted) }

    static let panEvents: [(event: PANStatusMachine.Event, step: String, state: JobState)] =
        [
            (.found(.completed, Jobs.answer), "finish succeeded - answer", .succeeded),
            (.found(.rejected, Jobs.answer), "finish failed pan_rejected answer", .failed),
            (.found(.failed(isDuplicate: true), Jobs.answer), "finish failed duplicate_refid answer", .failed),
            (.found(.failed(isDuplicate: false), Jobs.answer), "finish failed refused_by_bos answer", .failed),
            (.found(.pending, Jobs.answer), "wait pan_pending", .pending),
            (.ownCredentialsRefused, "wait own_credentials_refused", .accepted),
        ] + WaitReason.allCases.map { (.unanswered($0, retryAfter: nil), "wait \($0.rawValue)", .accepted) }

    @Test("what became of a recharge: every event leads to its one step")
    func rechargeTransitions() {
        for (event, step, state) in Self.rechargeEvents {
            var machine = Self.recharge()
            #expect(SeenStep(machine.wake(at: Jobs.start, jitter: 0)) == .ask)
            #expect(SeenStep(machine.on(event, at: Jobs.start, jitter: 0)).summary == step)
            #expect(machine.progress.state == state)
            #expect((machine.progress.completedAt != nil) == state.isFinal)
            #expect(machine.progress.attempts == 1)
            #expect(machine.setAside() == nil)
        }
    }

    @Test("a PAN application: every event leads to its one step")
    func panTransitions() {
        for (event, step, state) in Self.panEvents {
            var machine = Self.pan()
            #expect(SeenStep(machine.wake(at: Jobs.start, jitter: 0)) == .ask)
            #expect(SeenStep(machine.on(event, at: Jobs.start, jitter: 0)).summary == step)
            #expect(machine.progress.state == state)
            #expect((machine.progress.completedAt != nil) == state.isFinal)
        }
    }

    @Test("a question that is over does nothing, whatever happens", arguments: JobState.allCases.filter(\.isFinal))
    func over(state: JobState) {
        for (event, _, _) in Self.rechargeEvents {
            var machine = Self.recharge(state)
            #expect(SeenStep(machine.on(event, at: Jobs.start, jitter: 0)) == .nothing)
            #expect(SeenStep(machine.wake(at: Jobs.start, jitter: 0)) == .nothing)
            #expect(machine.progress == Self.recharge(state).progress)
        }
        for (event, _, _) in Self.panEvents {
            var machine = Self.pan(state)
            #expect(SeenStep(machine.on(event, at: Jobs.start, jitter: 0)) == .nothing)
            #expect(SeenStep(machine.wake(at: Jobs.start, jitter: 0)) == .nothing)
            #expect(machine.setAside() == nil)
            #expect(machine.progress == Self.pan(state).progress)
        }
    }

    @Test("a question that did not reach BOS is no attempt", arguments: WaitReason.allCases)
    func heldBack(reason: WaitReason) {
        for asked in [0, 1] {
            var recharge = Self.recharge()
            var pan = Self.pan()
            for _ in 0..<asked {
                _ = recharge.wake(at: Jobs.start, jitter: 0)
                _ = recharge.on(.unanswered(reason, retryAfter: nil), at: Jobs.start, jitter: 0)
                _ = pan.wake(at: Jobs.start, jitter: 0)
                _ = pan.on(.unanswered(reason, retryAfter: nil), at: Jobs.start, jitter: 0)
            }
            _ = recharge.wake(at: Jobs.start, jitter: 0)
            #expect(SeenStep(recharge.on(.heldBack(reason, retryAfter: .seconds(40)), at: Jobs.start, jitter: 0)) == .wait(reason))
            #expect(recharge.progress.attempts == asked)
            #expect(recharge.progress.dueAt == Jobs.start + .seconds(40))
            _ = pan.wake(at: Jobs.start, jitter: 0)
            #expect(SeenStep(pan.on(.heldBack(reason, retryAfter: .seconds(40)), at: Jobs.start, jitter: 0)) == .wait(reason))
            #expect(pan.progress.attempts == asked)
            #expect(pan.progress.dueAt == Jobs.start + .seconds(40))
        }
    }

    @Test("nothing is asked after the deadline")
    func deadline() {
        var recharge = Self.recharge(expiresAt: Jobs.start)
        #expect(SeenStep(recharge.wake(at: Jobs.start, jitter: 0)) == .ask)
        #expect(SeenStep(recharge.wake(at: Jobs.start + .milliseconds(1), jitter: 0)).summary == "finish expired deadline_passed none")
        var pan = Self.pan(expiresAt: Jobs.start)
        #expect(SeenStep(pan.wake(at: Jobs.start, jitter: 0)) == .ask)
        _ = pan.on(.found(.pending, Jobs.answer), at: Jobs.start, jitter: 0)
        #expect(SeenStep(pan.wake(at: Jobs.start + .milliseconds(1), jitter: 0)).summary == "finish expired deadline_passed answer")
    }

    @Test("a PAN application is given up once it is older than the maximum age")
    func maximumAge() {
        var machine = Self.pan()
        #expect(SeenStep(machine.wake(at: Jobs.start + .seconds(30 * 86_400), jitter: 0)) == .ask)
        let step = SeenStep(machine.wake(at: Jobs.start + .seconds(30 * 86_400) + .milliseconds(1), jitter: 0))
        #expect(step.summary == "finish expired gave_up none")
    }

    @Test("an unanswered question is given up once it is older than the maximum age, or has failed too often")
    func givenUp() {
        let age = RetryPolicy().maximumAge
        let unanswered = RechargeStatusMachine.Event.unanswered(.unanswered, retryAfter: nil)
        for (moment, summary) in [(age, "wait unanswered"), (age + .milliseconds(1), "finish expired gave_up none")] {
            var machine = Self.recharge()
            let now = Moment.steady(Jobs.start + moment)
            // The time that it waited for a BOS in trouble is no failure of its own.
            for _ in 1..<RetryPolicy().attempts {
                _ = machine.wake(at: now, jitter: 0)
                #expect(SeenStep(machine.on(unanswered, at: now, jitter: 0)).summary == "wait unanswered")
            }
            _ = machine.wake(at: now, jitter: 0)
            #expect(SeenStep(machine.on(unanswered, at: now, jitter: 0)).summary == summary)
        }
        var machine = Self.recharge()
        for failure in 1...RetryPolicy().maximumFailures {
            let now = Moment.steady(Jobs.start)
            _ = machine.wake(at: now, jitter: 0)
            let isLast = failure == RetryPolicy().maximumFailures
            #expect(
                SeenStep(machine.on(unanswered, at: now, jitter: 0)).summary == (isLast ? "finish expired gave_up none" : "wait unanswered")
            )
        }
        #expect(machine.progress.state == .expired)
    }

    @Test("the interval of PAN checks doubles up to its maximum, spread by a tenth")
    func intervals() {
        var machine = Self.pan()
        for minutes in [15, 30, 60, 120, 240, 360, 360] {
            for jitter in [0.0, 0.5] {
                var copy = machine
                _ = copy.on(.found(.pending, Jobs.answer), at: Jobs.start, jitter: jitter)
                #expect(copy.progress.dueAt == Jobs.start + .seconds(minutes * 60) * (0.9 + 0.2 * jitter))
            }
            _ = machine.on(.found(.pending, Jobs.answer), at: Jobs.start, jitter: 0.5)
        }
    }

    @Test("pending is told on the first check and on each change of message")
    func settingAside() {
        var machine = Self.pan()
        #expect(machine.setAside() == nil)
        var answer = Jobs.answer
        for (message, isTold) in [("under process", true), ("under process", false), ("at NSDL", true), ("at NSDL", false)] {
            answer.message = message
            _ = machine.on(.found(.pending, answer), at: Jobs.start, jitter: 0)
            #expect(machine.setAside() == (isTold ? Verdict(.pending, evidence: .answer, answer: answer) : nil))
        }
    }

    @Test("an unanswered question waits as long as BOS asks for")
    func retryAfter() {
        var recharge = Self.recharge()
        _ = recharge.on(.unanswered(.throttled, retryAfter: .seconds(40)), at: Jobs.start, jitter: 0.5)
        #expect(recharge.progress.dueAt == Jobs.start + .seconds(40))
        var pan = Self.pan()
        _ = pan.on(.unanswered(.notSent, retryAfter: nil), at: Jobs.start, jitter: 0.5)
        #expect(pan.progress.dueAt == Jobs.start + .milliseconds(100))
    }
}
