import JobModel
import Testing

@Suite("Resolving a doubt", .timeLimit(.minutes(1)))
struct DoubtTests {
    static let notFound = RechargeMachine.Event.enquired(.notFound, answer: Answer(httpStatus: 200), calibration: Jobs.calibrated)

    static func doubtful(_ recharge: Recharge = Jobs.recharge) -> RechargeMachine {
        var machine = RechargeMachine(recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        _ = machine.wake(at: Jobs.start, jitter: 0)
        _ = machine.on(.unknown(nil), at: Jobs.start, jitter: 0)
        return machine
    }

    /// Processes "not found" at each of these seconds and returns the last step.
    static func hear(_ machine: inout RechargeMachine, at seconds: [Int64]) -> SeenStep {
        var last = SeenStep.nothing
        for second in seconds {
            _ = machine.wake(at: Jobs.start + .seconds(second), jitter: 0)
            last = SeenStep(machine.on(notFound, at: Jobs.start + .seconds(second), jitter: 0.99))
        }
        return last
    }

    @Test(
        "\"not found\" is proof after enough answers over enough time, not before",
        arguments: [
            ([0], false), ([0, 500], false), ([0, 1, 119], false), ([0, 1, 2, 3, 4, 5, 119], false), ([0, 60, 120], true),
            ([0, 119, 120], true),
            ([0, 1, 2, 120], true),
        ])
    func notFoundWindow(seconds: [Int64], isProof: Bool) {
        var machine = Self.doubtful()
        #expect(Self.hear(&machine, at: seconds) == (isProof ? .send(.confirmedNotFound) : .wait(.doubt)))
        #expect(machine.progress.attempts == (isProof ? 2 : 1))
    }

    @Test("the deciding enquiry is due when the window ends, not long afterwards")
    func decidingEnquiry() {
        var machine = Self.doubtful()
        _ = Self.hear(&machine, at: Array(stride(from: 0, through: 100, by: 10)))
        #expect(machine.progress.dueAt == Jobs.start + .seconds(120))
    }

    @Test("a window that was shortened after the sending does not apply to it; a lengthened one does", arguments: [60, 300])
    func windowOfSending(now window: Int64) {
        var machine = Self.doubtful()
        var policy = Jobs.policy
        policy.notFound.window = .seconds(window)
        machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, progress: machine.progress, policy: policy)
        let end = max(window, 120)
        #expect(Self.hear(&machine, at: [0, 1, 2, end - 1]) == .wait(.doubt))
        #expect(Self.hear(&machine, at: [end]) == .send(.confirmedNotFound))
        #expect(machine.progress.notFoundWindow == .seconds(window))
    }

    @Test("after the window, the pauses between inconclusive answers grow")
    func inconclusiveAnswers() {
        let undecided: [RechargeMachine.Event] = [
            .enquired(.declined, answer: Jobs.answer), .enquiryUnanswered(.unanswered, retryAfter: nil),
        ]
        for event in undecided {
            var machine = Self.doubtful()
            _ = Self.hear(&machine, at: [0, 1])
            var now = Jobs.start + .seconds(130)
            for _ in 0..<5 {
                _ = machine.wake(at: now, jitter: 0)
                _ = machine.on(event, at: now, jitter: 0.99)
                now = machine.progress.dueAt ?? now
            }
            #expect(now > Jobs.start + .seconds(140))
        }
    }

    @Test("the window starts again after each sending and after each other answer")
    func windowRestarts() {
        var machine = Self.doubtful()
        #expect(Self.hear(&machine, at: [0, 60, 120]) == .send(.confirmedNotFound))
        _ = machine.on(.unknown(nil), at: Jobs.start + .seconds(121), jitter: 0)
        #expect(Self.hear(&machine, at: [122, 123, 241]) == .wait(.doubt))
        #expect(Self.hear(&machine, at: [242]) == .send(.confirmedNotFound))
    }

    @Test("the recharge fails after the maximum number of resendings")
    func resendings() {
        var machine = Self.doubtful()
        for round in Int64(0)..<2 {
            #expect(Self.hear(&machine, at: [round * 200, round * 200 + 1, round * 200 + 120]) == .send(.confirmedNotFound))
            _ = machine.on(.unknown(nil), at: Jobs.start, jitter: 0)
        }
        #expect(Self.hear(&machine, at: [400, 401, 520]).summary == "finish failed not_executed enquiry")
        #expect(machine.progress.attempts == 3)
    }

    @Test("after the deadline a recharge that was not executed fails and is not sent again")
    func deadline() {
        var recharge = Jobs.recharge
        recharge.expiresAt = Jobs.start + .seconds(100)
        var machine = Self.doubtful(recharge)
        #expect(Self.hear(&machine, at: [0, 60, 120]).summary == "finish failed not_executed enquiry")
    }

    @Test("a resending that could not leave before the deadline ends as failed, not as expired, because something was sent before")
    func deadlineAfterResending() {
        var recharge = Jobs.recharge
        recharge.expiresAt = Jobs.start + .seconds(130)
        var machine = Self.doubtful(recharge)
        #expect(Self.hear(&machine, at: [0, 60, 120]) == .send(.confirmedNotFound))
        _ = machine.on(.notTaken(.notSent), at: Jobs.start + .seconds(121), jitter: 0)
        #expect(SeenStep(machine.wake(at: Jobs.start + .seconds(131), jitter: 0)).summary == "finish failed not_executed enquiry")
    }

    @Test("\"not found\" proves nothing once BOS has said that it knows the reference", arguments: [0, 1, 2])
    func contradiction(way: Int) {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        _ = machine.wake(at: Jobs.start, jitter: 0)
        switch way {
        case 0: _ = machine.on(.answered(.accepted, Jobs.answer), at: Jobs.start, jitter: 0)
        case 1: _ = machine.on(.answered(.duplicateReference, Jobs.answer), at: Jobs.start, jitter: 0)
        default:
            _ = machine.on(.unknown(nil), at: Jobs.start, jitter: 0)
            _ = machine.on(.enquired(.pending, answer: Jobs.answer), at: Jobs.start, jitter: 0)
        }
        #expect(Self.hear(&machine, at: Array(0..<500)) == .wait(.doubt))
        #expect(machine.progress.attempts == 1)
    }

    @Test("setting the clock forward does not end the window, and setting it back does not lengthen it")
    func clockSteps() {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        func moment(_ monotonic: Int64, wallClock: Int64) -> ClockReading {
            ClockReading(wallClock: Jobs.start + .seconds(wallClock), monotonic: BootTime(boot: "a", milliseconds: monotonic * 1_000))
        }
        let notFound = RechargeMachine.Event.enquired(.notFound, answer: Jobs.answer, calibration: Jobs.calibrated)
        _ = machine.wake(at: moment(0, wallClock: 0), jitter: 0)
        _ = machine.on(.unknown(nil), at: moment(0, wallClock: 0), jitter: 0)
        for second in [Int64(0), 60, 119] {
            #expect(SeenStep(machine.on(notFound, at: moment(second, wallClock: second * 700), jitter: 0)) == .wait(.doubt))
            _ = machine.wake(at: moment(second, wallClock: second), jitter: 0)
        }
        #expect(SeenStep(machine.on(notFound, at: moment(120, wallClock: -500), jitter: 0)) == .send(.confirmedNotFound))
    }

    @Test("between two boots the elapsed time counts as zero, whatever their clocks say")
    func rebooted() {
        let before = ClockReading(wallClock: Jobs.start, monotonic: BootTime(boot: "a", milliseconds: 900_000))
        let after = ClockReading(wallClock: Jobs.start + .seconds(19_850), monotonic: BootTime(boot: "b", milliseconds: 86_400_000))
        #expect(after.elapsed(since: before) == .zero)
        #expect(before.elapsed(since: after) == .zero)
        #expect(before.counted(from: after) == after)
        #expect(after.counted(from: after) == after)
    }

    @Test("on another machine, with a long uptime and a clock ahead, the window starts with the first answer there")
    func windowOnAnotherMachine() {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        let first = ClockReading(wallClock: Jobs.start, monotonic: BootTime(boot: "a", milliseconds: 0))
        func moment(_ second: Int64) -> ClockReading {
            ClockReading(
                wallClock: Jobs.start + .seconds(600 + second), monotonic: BootTime(boot: "b", milliseconds: 500_000_000 + second * 1_000))
        }
        let notFound = RechargeMachine.Event.enquired(.notFound, answer: Jobs.answer, calibration: Jobs.calibrated)
        _ = machine.wake(at: first, jitter: 0)
        _ = machine.on(.unknown(nil), at: first, jitter: 0)
        #expect(SeenStep(machine.on(notFound, at: first, jitter: 0)) == .wait(.doubt))
        for second in [Int64(0), 60, 119] {
            _ = machine.wake(at: moment(second), jitter: 0)
            #expect(SeenStep(machine.on(notFound, at: moment(second), jitter: 0)) == .wait(.doubt))
        }
        _ = machine.wake(at: moment(120), jitter: 0)
        #expect(SeenStep(machine.on(notFound, at: moment(120), jitter: 0)) == .send(.confirmedNotFound))
    }

    @Test("a doubt that is too old is parked with one interim reply, and the worker does nothing more about it")
    func parked() {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        _ = machine.wake(at: Jobs.start, jitter: 0)
        _ = machine.on(.unknown(nil), at: Jobs.start, jitter: 0)
        let pending = RechargeMachine.Event.enquired(.pending, answer: Jobs.answer)
        #expect(SeenStep(machine.on(pending, at: Jobs.start + .seconds(86_400), jitter: 0)) == .wait(.doubt))
        _ = machine.wake(at: Jobs.start + .seconds(86_401), jitter: 0)
        #expect(SeenStep(machine.on(pending, at: Jobs.start + .seconds(86_401), jitter: 0)) == .park)
        #expect(machine.progress.state == .parked)
        #expect(machine.progress.doubt == .acceptedByBOS)
        #expect(machine.takeInterimVerdict()?.outcome == .inDoubt)
        #expect(machine.takeInterimVerdict() == nil)
        #expect(SeenStep(machine.wake(at: Jobs.start + .seconds(99_999), jitter: 0)) == .nothing)
    }

    @Test("a conclusive answer resolves even an old doubt")
    func oldButAnswered() {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        _ = machine.wake(at: Jobs.start, jitter: 0)
        _ = machine.on(.unknown(nil), at: Jobs.start, jitter: 0)
        let step = machine.on(
            .enquired(.succeeded, answer: Jobs.answer, calibration: Jobs.plain), at: Jobs.start + .seconds(999_999), jitter: 0)
        #expect(SeenStep(step).summary == "finish succeeded - enquiry")
    }

    @Test("a recharge that could never be sent is given up after too many failures or at its maximum age")
    func gaveUp() {
        var policy = Jobs.policy
        policy.maximumFailures = 3
        var often = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: policy)
        for _ in 0..<2 {
            _ = often.wake(at: Jobs.start, jitter: 0)
            #expect(SeenStep(often.on(.notTaken(.notSent), at: Jobs.start, jitter: 0)) == .wait(.notSent))
        }
        _ = often.wake(at: Jobs.start, jitter: 0)
        #expect(SeenStep(often.on(.notTaken(.notSent), at: Jobs.start, jitter: 0)).summary == "finish failed gave_up none")
        var long = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        for attempt in 1...5 {
            _ = long.wake(at: Jobs.start + .seconds(86_401), jitter: 0)
            let step = long.on(.notTaken(.throttled(retryAfter: nil)), at: Jobs.start + .seconds(86_401), jitter: 0)
            #expect(SeenStep(step).summary == (attempt < 5 ? "wait throttled" : "finish failed gave_up none"))
        }
    }

    @Test("a deferred call is not an attempt, however often it happens", arguments: [WaitReason.breakerOpen, .throttled])
    func deferredCall(reason: WaitReason) {
        var policy = Jobs.policy
        policy.maximumFailures = 3
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: policy)
        for _ in 0..<4 {
            _ = machine.wake(at: Jobs.start, jitter: 0)
            let step = machine.on(.notTaken(.deferred(reason, retryAfter: .seconds(7))), at: Jobs.start, jitter: 0)
            #expect(SeenStep(step) == .wait(reason))
            #expect(machine.progress.dueAt == Jobs.start + .seconds(7))
        }
        #expect(machine.progress.attempts == 0)
        #expect(machine.progress.waitReason == reason)
    }

    @Test("no job fails because BOS refuses the credentials of all calls, however often")
    func credentialsRefused() {
        var policy = Jobs.policy
        policy.maximumFailures = 3
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: policy)
        var question = RechargeStatusMachine(
            RechargeStatusQuery(reference: "R1", registerID: "1", expiresAt: nil), acceptedAt: Jobs.start, policy: policy)
        for _ in 0..<4 {
            _ = machine.wake(at: Jobs.start, jitter: 0)
            #expect(SeenStep(machine.on(.notTaken(.credentialsRefused), at: Jobs.start, jitter: 0)) == .wait(.credentialsRefused))
            _ = question.wake(at: Jobs.start, jitter: 0)
            let step = question.on(.unanswered(.credentialsRefused, retryAfter: nil), at: Jobs.start, jitter: 0)
            #expect(SeenStep(step) == .wait(.credentialsRefused))
        }
    }
}
