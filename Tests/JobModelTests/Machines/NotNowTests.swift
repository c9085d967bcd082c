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

    @Test("a postponed recharge counts as not sent, and waits however often and however long", arguments: [0, 100])
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
        "a job whose own credentials are refused fails after the fifth refusal; refusals of all credentials never end it"
    )
    func ownCredentials() {
        var machine = Self.recharge()
        for refusal in 1...5 {
            for _ in 0..<10 {
                #expect(SeenStep(machine.on(.notTaken(.credentialsRefused), at: Jobs.start, jitter: 0)) == .wait(.credentialsRefused))
                _ = machine.wake(at: Jobs.start, jitter: 0)
            }
            // BOS may be refusing the credentials of every recharge. These refusals do not count.
            for _ in 0..<10 {
                let open = machine.on(.notTaken(.ownCredentialsRefused(takesOthers: false)), at: Jobs.start, jitter: 0)
                #expect(SeenStep(open) == .wait(.ownCredentialsRefused))
                _ = machine.wake(at: Jobs.start, jitter: 0)
            }
            let step = SeenStep(
                machine.on(.notTaken(.ownCredentialsRefused(takesOthers: true, answer: Self.refusal)), at: Jobs.start, jitter: 0.99))
            #expect(step.summary == (refusal < 5 ? "wait own_credentials_refused" : "finish failed refused_by_bos answer"))
            _ = machine.wake(at: Jobs.start, jitter: 0)
        }
        #expect(machine.progress.attempts == 0)
        #expect(machine.progress.answer == Self.refusal)
    }

    @Test("without another recharge for comparison a refused job waits until its maximum age; the reply has the reason and BOS's answer")
    func refusedWithoutComparison() {
        var machine = Self.recharge()
        let refused = RechargeMachine.Event.notTaken(.ownCredentialsRefused(takesOthers: false, answer: Self.refusal))
        for second in [Int64(0), 100, 86_400, 86_400] {
            #expect(SeenStep(machine.on(refused, at: Jobs.start + .seconds(second), jitter: 0)) == .wait(.ownCredentialsRefused))
            _ = machine.wake(at: Jobs.start + .seconds(second), jitter: 0)
        }
        guard case .finish(let verdict) = SeenStep(machine.on(refused, at: Jobs.start + .seconds(86_401), jitter: 0)) else {
            Issue.record("it still waits")
            return
        }
        #expect(SeenStep.finish(verdict).summary == "finish failed refused_by_bos answer")
        #expect(verdict.failure?.detail.contains("RegisterID") == true)
        #expect(verdict.answer == Self.refusal)
    }

    @Test("an old job is not ended by its first refusal, and its reply claims no evidence if BOS gave no answer")
    func oldAtFirstRefusal() {
        var machine = Self.recharge()
        let later = Jobs.start + .seconds(200_000)
        for refusal in 1...5 {
            let step = SeenStep(machine.on(.notTaken(.ownCredentialsRefused(takesOthers: false)), at: later, jitter: 0))
            #expect(step.summary == (refusal < 5 ? "wait own_credentials_refused" : "finish failed refused_by_bos none"))
            _ = machine.wake(at: later, jitter: 0)
        }
    }

    @Test(
        "a question whose own credentials are refused ends after the fifth refusal; a PAN application goes on waiting")
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
        // However often this happens, the due time stays within the limit beyond which the poller assumes a wrong clock.
        for _ in 1...20 {
            _ = application.wake(at: Jobs.start, jitter: 0)
            _ = application.on(.ownCredentialsRefused, at: Jobs.start, jitter: 0.99)
            let pause = application.progress.dueAt.map { $0 - Jobs.start }
            let limit = RetryPolicy().longestPauses.limit(application.progress.state)
            #expect(pause != nil && limit != nil && pause.flatMap { pause in limit.map { pause <= $0 } } == true)
        }
    }

    @Test("after an outage longer than the maximum age an unsent recharge is tried again, not given up at its first failure")
    func longOutage() {
        var machine = Self.recharge()
        let later = Jobs.start + .seconds(3 * 86_400)
        for _ in 1..<5 {
            #expect(SeenStep(machine.on(.notTaken(.notSent), at: later, jitter: 0)) == .wait(.notSent))
            _ = machine.wake(at: later, jitter: 0)
        }
        #expect(SeenStep(machine.on(.answered(.done, Jobs.answer), at: later, jitter: 0)).summary == "finish succeeded - answer")
    }

    @Test("the first enquiry waits if BOS asks for a pause or is overloaded", arguments: [nil, 40])
    func pauseBeforeEnquiry(seconds: Int?) {
        var machine = Self.recharge()
        let answer = Answer(httpStatus: 503)
        let step = machine.on(.unknown(answer, retryAfter: seconds.map { .seconds($0) }), at: Jobs.start, jitter: 0.5)
        #expect(SeenStep(step) == .wait(.doubt))
        #expect(machine.progress.dueAt == Jobs.start + .milliseconds((seconds ?? 0) * 1_000 + (seconds == nil ? 250 : 0)))
    }

    @Test("a call that did not reach BOS counts neither as an attempt nor as an enquiry")
    func counters() {
        var machine = Self.recharge()
        _ = machine.on(.notTaken(.credentialsRefused), at: Jobs.start, jitter: 0)
        #expect(machine.progress.attempts == 0)
        var doubtful = DoubtTests.doubtful()
        #expect(doubtful.progress.enquiries == 1)
        _ = doubtful.on(.enquiryDeferred(.throttled, retryAfter: nil), at: Jobs.start, jitter: 0)
        #expect(doubtful.progress.enquiries == 0)
        // A throttled enquiry did reach BOS.
        _ = doubtful.wake(at: Jobs.start, jitter: 0)
        _ = doubtful.on(.enquiryUnanswered(.throttled, retryAfter: nil), at: Jobs.start, jitter: 0)
        #expect(doubtful.progress.enquiries == 1)
    }
}
