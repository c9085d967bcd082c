import JobModel
import Testing

@Suite("Settling a doubt", .timeLimit(.minutes(1)))
struct SettlingTests {
    static let notFound = RechargeMachine.Event.enquired(.notFound, Answer(httpStatus: 200), Subject(), Jobs.calibrated)

    static func doubtful(_ recharge: Recharge = Jobs.recharge) -> RechargeMachine {
        var machine = RechargeMachine(recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        _ = machine.wake(at: Jobs.start, jitter: 0)
        _ = machine.on(.unknown(nil), at: Jobs.start, jitter: 0)
        return machine
    }

    /// Hears "not found" at these seconds and returns the last step.
    static func hear(_ machine: inout RechargeMachine, at seconds: [Int64]) -> SeenStep {
        var last = SeenStep.nothing
        for second in seconds {
            _ = machine.wake(at: Jobs.start + .seconds(second), jitter: 0)
            last = SeenStep(machine.on(notFound, at: Jobs.start + .seconds(second), jitter: 0.99))
        }
        return last
    }

    @Test(
        "\"not found\" is believed after enough answers over enough time, not before",
        arguments: [
            ([0], false), ([0, 500], false), ([0, 1, 119], false), ([0, 1, 2, 3, 4, 5, 119], false), ([0, 60, 120], true),
            ([0, 119, 120], true),
            ([0, 1, 2, 120], true),
        ])
    func settling(seconds: [Int64], isSettled: Bool) {
        var machine = Self.doubtful()
        #expect(Self.hear(&machine, at: seconds) == (isSettled ? .send(.settledNotFound) : .wait(.doubt)))
        #expect(machine.progress.attempts == (isSettled ? 2 : 1))
    }

    @Test("the deciding question is asked when the window ends, not long after")
    func decidingQuestion() {
        var machine = Self.doubtful()
        _ = Self.hear(&machine, at: Array(stride(from: 0, through: 100, by: 10)))
        #expect(machine.progress.dueAt == Jobs.start + .seconds(120))
    }

    @Test("a window that became shorter after it was sent does not count for it, and one that became longer does", arguments: [60, 300])
    func windowOfSending(now window: Int64) {
        var machine = Self.doubtful()
        var policy = Jobs.policy
        policy.settle.window = .seconds(window)
        machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, machine.progress, policy: policy)
        let end = max(window, 120)
        #expect(Self.hear(&machine, at: [0, 1, 2, end - 1]) == .wait(.doubt))
        #expect(Self.hear(&machine, at: [end]) == .send(.settledNotFound))
        #expect(machine.progress.settleWindow == .seconds(window))
    }

    @Test("once the window is over, answers that decide nothing are waited for longer and longer")
    func undecided() {
        let undecided: [RechargeMachine.Event] = [
            .enquired(.declined, Jobs.answer), .enquiryUnanswered(.unanswered, retryAfter: nil),
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

    @Test("the window starts anew after every sending and every other answer")
    func startingAnew() {
        var machine = Self.doubtful()
        #expect(Self.hear(&machine, at: [0, 60, 120]) == .send(.settledNotFound))
        _ = machine.on(.unknown(nil), at: Jobs.start + .seconds(121), jitter: 0)
        #expect(Self.hear(&machine, at: [122, 123, 241]) == .wait(.doubt))
        #expect(Self.hear(&machine, at: [242]) == .send(.settledNotFound))
    }

    @Test("it is sent again only so often, and then it has failed")
    func resendings() {
        var machine = Self.doubtful()
        for round in Int64(0)..<2 {
            #expect(Self.hear(&machine, at: [round * 200, round * 200 + 1, round * 200 + 120]) == .send(.settledNotFound))
            _ = machine.on(.unknown(nil), at: Jobs.start, jitter: 0)
        }
        #expect(Self.hear(&machine, at: [400, 401, 520]).summary == "finish failed not_executed enquiry")
        #expect(machine.progress.attempts == 3)
    }

    @Test("what is settled after the deadline has failed and is not sent again")
    func deadline() {
        var recharge = Jobs.recharge
        recharge.expiresAt = Jobs.start + .seconds(100)
        var machine = Self.doubtful(recharge)
        #expect(Self.hear(&machine, at: [0, 60, 120]).summary == "finish failed not_executed enquiry")
    }

    @Test("a resending that certainly failed to leave until the deadline has failed, not expired: something was sent before")
    func deadlineAfterResending() {
        var recharge = Jobs.recharge
        recharge.expiresAt = Jobs.start + .seconds(130)
        var machine = Self.doubtful(recharge)
        #expect(Self.hear(&machine, at: [0, 60, 120]) == .send(.settledNotFound))
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
            _ = machine.on(.enquired(.pending, Jobs.answer), at: Jobs.start, jitter: 0)
        }
        #expect(Self.hear(&machine, at: Array(0..<500)) == .wait(.doubt))
        #expect(machine.progress.attempts == 1)
    }

    @Test("a clock that is set forward does not end the settle window, and one that is set back does not lengthen it")
    func clockSteps() {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        func moment(_ steady: Int64, civil: Int64) -> Moment {
            Moment(civil: Jobs.start + .seconds(civil), steady: SteadyTime(boot: "a", milliseconds: steady * 1_000))
        }
        let notFound = RechargeMachine.Event.enquired(.notFound, Jobs.answer, Subject(), Jobs.calibrated)
        _ = machine.wake(at: moment(0, civil: 0), jitter: 0)
        _ = machine.on(.unknown(nil), at: moment(0, civil: 0), jitter: 0)
        for second in [Int64(0), 60, 119] {
            #expect(SeenStep(machine.on(notFound, at: moment(second, civil: second * 700), jitter: 0)) == .wait(.doubt))
            _ = machine.wake(at: moment(second, civil: second), jitter: 0)
        }
        #expect(SeenStep(machine.on(notFound, at: moment(120, civil: -500), jitter: 0)) == .send(.settledNotFound))
    }

    @Test("between two boots no time has passed for certain, whatever their clocks say")
    func rebooted() {
        let before = Moment(civil: Jobs.start, steady: SteadyTime(boot: "a", milliseconds: 900_000))
        let after = Moment(civil: Jobs.start + .seconds(19_850), steady: SteadyTime(boot: "b", milliseconds: 86_400_000))
        #expect(after.elapsed(since: before) == .zero)
        #expect(before.elapsed(since: after) == .zero)
        #expect(before.counted(from: after) == after)
        #expect(after.counted(from: after) == after)
    }

    @Test("on a machine that has long been up and whose clock is ahead the settle window begins with the first answer that is heard there")
    func moved() {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        let first = Moment(civil: Jobs.start, steady: SteadyTime(boot: "a", milliseconds: 0))
        func moment(_ second: Int64) -> Moment {
            Moment(civil: Jobs.start + .seconds(600 + second), steady: SteadyTime(boot: "b", milliseconds: 500_000_000 + second * 1_000))
        }
        let notFound = RechargeMachine.Event.enquired(.notFound, Jobs.answer, Subject(), Jobs.calibrated)
        _ = machine.wake(at: first, jitter: 0)
        _ = machine.on(.unknown(nil), at: first, jitter: 0)
        #expect(SeenStep(machine.on(notFound, at: first, jitter: 0)) == .wait(.doubt))
        for second in [Int64(0), 60, 119] {
            _ = machine.wake(at: moment(second), jitter: 0)
            #expect(SeenStep(machine.on(notFound, at: moment(second), jitter: 0)) == .wait(.doubt))
        }
        _ = machine.wake(at: moment(120), jitter: 0)
        #expect(SeenStep(machine.on(notFound, at: moment(120), jitter: 0)) == .send(.settledNotFound))
    }

    @Test("a doubt that is too old is parked for a person, told once, and goes no further by itself")
    func parked() {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        _ = machine.wake(at: Jobs.start, jitter: 0)
        _ = machine.on(.unknown(nil), at: Jobs.start, jitter: 0)
        let pending = RechargeMachine.Event.enquired(.pending, Jobs.answer)
        #expect(SeenStep(machine.on(pending, at: Jobs.start + .seconds(86_400), jitter: 0)) == .wait(.doubt))
        _ = machine.wake(at: Jobs.start + .seconds(86_401), jitter: 0)
        #expect(SeenStep(machine.on(pending, at: Jobs.start + .seconds(86_401), jitter: 0)) == .park)
        #expect(machine.progress.state == .parked)
        #expect(machine.progress.doubt == .acceptedByBOS)
        #expect(machine.setAside()?.outcome == .inDoubt)
        #expect(machine.setAside() == nil)
        #expect(SeenStep(machine.wake(at: Jobs.start + .seconds(99_999), jitter: 0)) == .nothing)
    }

    @Test("an old doubt is still settled by an answer that settles it")
    func oldButAnswered() {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        _ = machine.wake(at: Jobs.start, jitter: 0)
        _ = machine.on(.unknown(nil), at: Jobs.start, jitter: 0)
        let step = machine.on(.enquired(.succeeded, Jobs.answer, Subject(), Jobs.plain), at: Jobs.start + .seconds(999_999), jitter: 0)
        #expect(SeenStep(step).summary == "finish succeeded - enquiry")
    }

    @Test("a recharge that could never be sent is given up after too many failures or too long a time, as not executed")
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

    @Test("what was held back was no attempt, however often", arguments: [WaitReason.breakerOpen, .throttled])
    func heldBack(reason: WaitReason) {
        var policy = Jobs.policy
        policy.maximumFailures = 3
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: policy)
        for _ in 0..<4 {
            _ = machine.wake(at: Jobs.start, jitter: 0)
            let step = machine.on(.notTaken(.heldBack(reason, retryAfter: .seconds(7))), at: Jobs.start, jitter: 0)
            #expect(SeenStep(step) == .wait(reason))
            #expect(machine.progress.dueAt == Jobs.start + .seconds(7))
        }
        #expect(machine.progress.attempts == 0)
        #expect(machine.progress.waitReason == reason)
    }

    @Test("no job fails because our credentials are refused, however often")
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
