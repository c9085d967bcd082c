import JobModel
import Testing

@Suite("The life of a question and of a PAN application", .timeLimit(.minutes(1)))
struct StatusMachineTests {
    static func recharge(_ state: JobState = .accepted, expiresAt: Timestamp? = nil) -> RechargeStatusMachine {
        var progress = Progress()
        progress.state = state
        return RechargeStatusMachine(
            RechargeStatusQuery(reference: "r", registerID: "1", expiresAt: expiresAt), acceptedAt: Jobs.start, progress: progress,
            policy: Jobs.policy)
    }

    static func pan(_ state: JobState = .accepted, expiresAt: Timestamp? = nil) -> PANStatusMachine {
        var progress = Progress()
        progress.state = state
        return PANStatusMachine(
            PANStatusQuery(reference: "p", expiresAt: expiresAt), acceptedAt: Jobs.start, progress: progress, policy: Jobs.policy)
    }

    static let rechargeEvents: [(event: RechargeStatusMachine.Event, step: String, state: JobState)] =
        [
            (.found(.succeeded, answer: Jobs.answer, calibration: Jobs.plain), "finish succeeded - enquiry", .succeeded),
            (
                .found(.failed(refunded: false), answer: Jobs.answer, calibration: Jobs.plain), "finish failed refused_by_bos enquiry",
                .failed
            ),
            (
                .found(.failed(refunded: true), answer: Jobs.answer, calibration: Jobs.plain), "finish failed refused_by_bos enquiry",
                .failed
            ),
            (.found(.pending, answer: Jobs.answer), "finish pending - enquiry", .answeredPending),
            (.found(.notFound, answer: Jobs.answer, calibration: Jobs.plain), "finish not_found - enquiry", .notFound),
            // The enquiry was not seen to find a recharge, so "not found" is no evidence.
            (.found(.notFound, answer: Jobs.answer), "finish expired gave_up none", .expired),
            (.found(.notFound, answer: Jobs.answer, calibration: .blind), "finish expired gave_up none", .expired),
            (.found(.declined, answer: Jobs.answer), "finish expired gave_up none", .expired),
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

    @Test("a question about a recharge: each event leads to its one step")
    func rechargeTransitions() {
        for (event, step, state) in Self.rechargeEvents {
            var machine = Self.recharge()
            #expect(SeenStep(machine.wake(at: Jobs.start, jitter: 0)) == .query)
            #expect(SeenStep(machine.on(event, at: Jobs.start, jitter: 0)).summary == step)
            #expect(machine.progress.state == state)
            #expect((machine.progress.completedAt != nil) == state.isFinal)
            #expect(machine.progress.attempts == 1)
            #expect(machine.takeInterimVerdict() == nil)
        }
    }

    @Test("a PAN application: each event leads to its one step")
    func panTransitions() {
        for (event, step, state) in Self.panEvents {
            var machine = Self.pan()
            #expect(SeenStep(machine.wake(at: Jobs.start, jitter: 0)) == .query)
            #expect(SeenStep(machine.on(event, at: Jobs.start, jitter: 0)).summary == step)
            #expect(machine.progress.state == state)
            #expect((machine.progress.completedAt != nil) == state.isFinal)
        }
    }

    @Test("no event changes a final question", arguments: JobState.allCases.filter(\.isFinal))
    func finalStaysFinal(state: JobState) {
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
            #expect(machine.takeInterimVerdict() == nil)
            #expect(machine.progress == Self.pan(state).progress)
        }
    }

    @Test("a query that did not reach BOS is not an attempt", arguments: WaitReason.allCases)
    func deferredQuery(reason: WaitReason) {
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
            #expect(SeenStep(recharge.on(.deferred(reason, retryAfter: .seconds(40)), at: Jobs.start, jitter: 0)) == .wait(reason))
            #expect(recharge.progress.attempts == asked)
            #expect(recharge.progress.dueAt == Jobs.start + .seconds(40))
            _ = pan.wake(at: Jobs.start, jitter: 0)
            #expect(SeenStep(pan.on(.deferred(reason, retryAfter: .seconds(40)), at: Jobs.start, jitter: 0)) == .wait(reason))
            #expect(pan.progress.attempts == asked)
            #expect(pan.progress.dueAt == Jobs.start + .seconds(40))
        }
    }

    @Test("the worker does not query BOS after the deadline")
    func deadline() {
        var recharge = Self.recharge(expiresAt: Jobs.start)
        #expect(SeenStep(recharge.wake(at: Jobs.start, jitter: 0)) == .query)
        #expect(SeenStep(recharge.wake(at: Jobs.start + .milliseconds(1), jitter: 0)).summary == "finish expired deadline_passed none")
        var pan = Self.pan(expiresAt: Jobs.start)
        #expect(SeenStep(pan.wake(at: Jobs.start, jitter: 0)) == .query)
        _ = pan.on(.found(.pending, Jobs.answer), at: Jobs.start, jitter: 0)
        #expect(SeenStep(pan.wake(at: Jobs.start + .milliseconds(1), jitter: 0)).summary == "finish expired deadline_passed answer")
    }

    @Test("a PAN application is given up once it is older than the maximum age")
    func maximumAge() {
        var machine = Self.pan()
        #expect(SeenStep(machine.wake(at: Jobs.start + .seconds(30 * 86_400), jitter: 0)) == .query)
        let step = SeenStep(machine.wake(at: Jobs.start + .seconds(30 * 86_400) + .milliseconds(1), jitter: 0))
        #expect(step.summary == "finish expired gave_up none")
    }

    @Test("an unanswered question is given up once it is older than the maximum age, or has failed too often")
    func givenUp() {
        let age = RetryPolicy().maximumAge
        let unanswered = RechargeStatusMachine.Event.unanswered(.unanswered, retryAfter: nil)
        for (moment, summary) in [(age, "wait unanswered"), (age + .milliseconds(1), "finish expired gave_up none")] {
            var machine = Self.recharge()
            let now = ClockReading.monotonic(Jobs.start + moment)
            // The age counts only once the question has several failures in a row.
            for _ in 1..<RetryPolicy().attempts {
                _ = machine.wake(at: now, jitter: 0)
                #expect(SeenStep(machine.on(unanswered, at: now, jitter: 0)).summary == "wait unanswered")
            }
            _ = machine.wake(at: now, jitter: 0)
            #expect(SeenStep(machine.on(unanswered, at: now, jitter: 0)).summary == summary)
        }
        var machine = Self.recharge()
        for failure in 1...RetryPolicy().maximumFailures {
            let now = ClockReading.monotonic(Jobs.start)
            _ = machine.wake(at: now, jitter: 0)
            let isLast = failure == RetryPolicy().maximumFailures
            #expect(
                SeenStep(machine.on(unanswered, at: now, jitter: 0)).summary == (isLast ? "finish expired gave_up none" : "wait unanswered")
            )
        }
        #expect(machine.progress.state == .expired)
    }

    @Test("the interval of PAN checks doubles up to its maximum, with a tenth of jitter")
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

    @Test("pending is published after the first check and after each change of BOS's message")
    func interimReply() {
        var machine = Self.pan()
        #expect(machine.takeInterimVerdict() == nil)
        var answer = Jobs.answer
        for (message, isNew) in [("under process", true), ("under process", false), ("at NSDL", true), ("at NSDL", false)] {
            answer.message = message
            _ = machine.on(.found(.pending, answer), at: Jobs.start, jitter: 0)
            #expect(machine.takeInterimVerdict() == (isNew ? Verdict(.pending, evidence: .answer, answer: answer) : nil))
        }
    }

    @Test("an unanswered question waits as long as BOS asks it to")
    func retryAfter() {
        var recharge = Self.recharge()
        _ = recharge.on(.unanswered(.throttled, retryAfter: .seconds(40)), at: Jobs.start, jitter: 0.5)
        #expect(recharge.progress.dueAt == Jobs.start + .seconds(40))
        var pan = Self.pan()
        _ = pan.on(.unanswered(.notSent, retryAfter: nil), at: Jobs.start, jitter: 0.5)
        #expect(pan.progress.dueAt == Jobs.start + .milliseconds(100))
    }
}
