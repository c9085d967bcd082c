import JobModel
import Testing

@Suite("\"Not now\" is not \"no\"", .timeLimit(.minutes(1)))
struct NotNowTests {
    private static func recharge() -> RechargeMachine {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        _ = machine.wake(at: Jobs.start, jitter: 0)
        return machine
    }

    private static let refusal = Answer(httpStatus: 401, responseCode: 16, status: false, message: "Authentication failed")

    @Test("a recharge that BOS postpones was not sent, and waits, however often and however long", arguments: [0, 100])
    func postponed(days: Int64) {
        var machine = Self.recharge()
        for _ in 0..<50 {
            let now = Jobs.start + .seconds(days * 86_400)
            #expect(SeenStep(machine.on(.notTaken(.postponed), at: now, jitter: 0.5)) == .wait(.postponed))
            #expect(machine.progress.attempts == 0)
            #expect(machine.progress.firstSentAt == nil)
            _ = machine.wake(at: now, jitter: 0)
        }
        #expect(machine.progress.state == .sending)
    }

    @Test(
        "a job refused for its own credentials waits longer and longer, and has failed after the fifth refusal; BOS's own trouble never ends it"
    )
    func ownCredentials() {
        var machine = Self.recharge()
        for refusal in 1...5 {
            for _ in 0..<10 {
                #expect(SeenStep(machine.on(.notTaken(.credentialsRefused), at: Jobs.start, jitter: 0)) == .wait(.credentialsRefused))
                _ = machine.wake(at: Jobs.start, jitter: 0)
            }
            // It may be that every recharge is refused so: that ends none.
            for _ in 0..<10 {
                let open = machine.on(.notTaken(.ownCredentialsRefused(takesOthers: false)), at: Jobs.start, jitter: 0)
                #expect(SeenStep(open) == .wait(.ownCredentialsRefused))
                _ = machine.wake(at: Jobs.start, jitter: 0)
            }
            let step = SeenStep(
                machine.on(.notTaken(.ownCredentialsRefused(takesOthers: true, Self.refusal)), at: Jobs.start, jitter: 0.99))
            #expect(step.summary == (refusal < 5 ? "wait own_credentials_refused" : "finish failed refused_by_bos answer"))
            _ = machine.wake(at: Jobs.start, jitter: 0)
        }
        #expect(machine.progress.attempts == 0)
        #expect(machine.progress.answer == Self.refusal)
    }

    @Test("a merchant that is refused alone waits until its job is too old, and not beyond; the reply says why, and what BOS said")
    func refusedAlone() {
        var machine = Self.recharge()
        let alone = RechargeMachine.Event.notTaken(.ownCredentialsRefused(takesOthers: false, Self.refusal))
        for second in [Int64(0), 100, 86_400, 86_400] {
            #expect(SeenStep(machine.on(alone, at: Jobs.start + .seconds(second), jitter: 0)) == .wait(.ownCredentialsRefused))
            _ = machine.wake(at: Jobs.start + .seconds(second), jitter: 0)
        }
        guard case .finish(let verdict) = SeenStep(machine.on(alone, at: Jobs.start + .seconds(86_401), jitter: 0)) else {
            Issue.record("it still waits")
            return
        }
        #expect(SeenStep.finish(verdict).summary == "finish failed refused_by_bos answer")
        #expect(verdict.failure?.detail.contains("RegisterID") == true)
        #expect(verdict.answer == Self.refusal)
    }

    @Test("one that was late for other reasons is not ended by its first refusal, and one without any answer claims none")
    func oldAtFirst() {
        var machine = Self.recharge()
        let later = Jobs.start + .seconds(200_000)
        for refusal in 1...5 {
            let step = SeenStep(machine.on(.notTaken(.ownCredentialsRefused(takesOthers: false)), at: later, jitter: 0))
            #expect(step.summary == (refusal < 5 ? "wait own_credentials_refused" : "finish failed refused_by_bos none"))
            _ = machine.wake(at: later, jitter: 0)
        }
    }

    @Test(
        "a question refused for its own credentials ends after the fifth refusal; a PAN application waits, for that says nothing about it")
    func ownCredentialsOfQuestions() {
        var question = StatusMachineTests.recharge()
        var application = StatusMachineTests.pan()
        for refusal in 1...5 {
            _ = question.wake(at: Jobs.start, jitter: 0)
            let step = SeenStep(question.on(.ownCredentialsRefused, at: Jobs.start, jitter: 0)).summary
            #expect(step == (refusal < 5 ? "wait own_credentials_refused" : "finish expired gave_up none"))
            _ = application.wake(at: Jobs.start, jitter: 0)
            let other = SeenStep(application.on(.ownCredentialsRefused, at: Jobs.start, jitter: 0)).summary
            #expect(other == "wait own_credentials_refused")
        }
        // However often: it is never due later than the poller takes for a clock that was set back.
        for _ in 1...20 {
            _ = application.wake(at: Jobs.start, jitter: 0)
            _ = application.on(.ownCredentialsRefused, at: Jobs.start, jitter: 0.99)
            let pause = application.progress.dueAt.map { $0 - Jobs.start }
            let limit = RetryPolicy().longestPauses.limit(application.progress.state)
            #expect(pause != nil && limit != nil && pause.flatMap { pause in limit.map { pause <= $0 } } == true)
        }
    }

    @Test("after an outage longer than the maximum age a recharge that was never sent is tried again, not given up at its first failure")
    func longOutage() {
        var machine = Self.recharge()
        let later = Jobs.start + .seconds(3 * 86_400)
        for _ in 1..<5 {
            #expect(SeenStep(machine.on(.notTaken(.notSent), at: later, jitter: 0)) == .wait(.notSent))
            _ = machine.wake(at: later, jitter: 0)
        }
        #expect(SeenStep(machine.on(.answered(.done, Jobs.answer), at: later, jitter: 0)).summary == "finish succeeded - answer")
    }

    @Test("a BOS that asks for a pause is not asked at once what became of the recharge", arguments: [nil, 40])
    func pause(seconds: Int?) {
        var machine = Self.recharge()
        let answer = Answer(httpStatus: 503)
        let step = machine.on(.unknown(answer, retryAfter: seconds.map { .seconds($0) }), at: Jobs.start, jitter: 0.5)
        #expect(SeenStep(step) == .wait(.doubt))
        #expect(machine.progress.dueAt == Jobs.start + .milliseconds((seconds ?? 0) * 1_000 + (seconds == nil ? 250 : 0)))
    }

    @Test("what did not reach BOS counts neither as an attempt nor as an enquiry")
    func counters() {
        var machine = Self.recharge()
        _ = machine.on(.notTaken(.credentialsRefused), at: Jobs.start, jitter: 0)
        #expect(machine.progress.attempts == 0)
        var doubtful = SettlingTests.doubtful()
        #expect(doubtful.progress.enquiries == 1)
        _ = doubtful.on(.enquiryHeldBack(.throttled, retryAfter: nil), at: Jobs.start, jitter: 0)
        #expect(doubtful.progress.enquiries == 0)
        // What BOS has turned away did reach it.
        _ = doubtful.wake(at: Jobs.start, jitter: 0)
        _ = doubtful.on(.enquiryUnanswered(.throttled, retryAfter: nil), at: Jobs.start, jitter: 0)
        #expect(doubtful.progress.enquiries == 1)
    }
}
