import JobModel
import Testing

@Suite("A clock that was years ahead and has been set right", .timeLimit(.minutes(1)))
struct ClockAheadTests {
    /// The clock says this while it is wrong.
    static let wrong = Jobs.start + .seconds(10 * 365 * 86_400)
    static let pending = RechargeMachine.Event.enquired(.pending, Jobs.answer)

    /// Sent while the clock was wrong.
    static func doubtful(_ policy: RetryPolicy = Jobs.policy) -> RechargeMachine {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: wrong, policy: policy)
        _ = machine.wake(at: wrong, jitter: 0)
        _ = machine.on(.unknown(nil), at: wrong, jitter: 0)
        return machine
    }

    /// Goes on from what a ledger would hold, and hears that second's answer.
    static func hear(_ event: RechargeMachine.Event, _ machine: inout RechargeMachine, at second: Int64) -> SeenStep {
        let now = Jobs.start + .seconds(second)
        machine = RechargeMachine(Jobs.recharge, acceptedAt: machine.acceptedAt, machine.progress, policy: Jobs.policy)
        _ = machine.wake(at: now, jitter: 0)
        return SeenStep(machine.on(event, at: now, jitter: 0))
    }

    @Test("a doubt that was sent by it is parked at its maximum age, counted from when its time was first seen to be wrong")
    func parked() {
        var machine = Self.doubtful()
        #expect(Self.hear(Self.pending, &machine, at: 0) == .wait(.doubt))
        #expect(machine.progress.aheadSince == Jobs.start)
        #expect(machine.progress.firstSentAt == Self.wrong)
        #expect(Self.hear(Self.pending, &machine, at: 86_400) == .wait(.doubt))
        #expect(Self.hear(Self.pending, &machine, at: 86_401) == .park)
    }

    @Test("a doubt is sent again no earlier by it: \"not found\" counts as long as ever")
    func notSentEarlier() {
        var machine = Self.doubtful()
        #expect(Self.hear(SettlingTests.notFound, &machine, at: 0) == .wait(.doubt))
        #expect(Self.hear(SettlingTests.notFound, &machine, at: 60) == .wait(.doubt))
        #expect(Self.hear(SettlingTests.notFound, &machine, at: 119) == .wait(.doubt))
        #expect(machine.progress.attempts == 1)
    }

    @Test("a clock that was wrong the other way for a while makes no doubt older than it is")
    func backAndForth() {
        var machine = SettlingTests.doubtful()
        #expect(Self.hear(Self.pending, &machine, at: -10 * 365 * 86_400) == .wait(.doubt))
        #expect(machine.progress.aheadSince != nil)
        #expect(Self.hear(Self.pending, &machine, at: 3_600) == .wait(.doubt))
        #expect(machine.progress.aheadSince == nil)
        #expect(Self.hear(Self.pending, &machine, at: 86_401) == .park)
    }

    @Test("a clock that is set back once more begins the count again, and it ends")
    func setBackTwice() {
        var machine = Self.doubtful()
        #expect(Self.hear(Self.pending, &machine, at: 0) == .wait(.doubt))
        #expect(Self.hear(Self.pending, &machine, at: -500_000) == .wait(.doubt))
        #expect(Self.hear(Self.pending, &machine, at: -500_000 + 86_400) == .wait(.doubt))
        #expect(Self.hear(Self.pending, &machine, at: -500_000 + 86_401) == .park)
    }

    @Test("a PAN application that was accepted by it expires at its maximum age")
    func panApplication() {
        var progress = Progress()
        func wake(_ second: Int64) -> SeenStep {
            var machine = PANStatusMachine(PANStatusQuery(reference: "p"), acceptedAt: Self.wrong, progress, policy: Jobs.policy)
            let now = Jobs.start + .seconds(second)
            let step = SeenStep(machine.wake(at: now, jitter: 0))
            if step == .ask { _ = machine.on(.found(.pending, Jobs.answer), at: now, jitter: 0) }
            progress = machine.progress
            return step
        }
        #expect(wake(0) == .ask)
        #expect(wake(30 * 86_400) == .ask)
        #expect(wake(30 * 86_400 + 1).summary == "finish expired gave_up answer")
    }

    @Test("a recharge that was accepted by it and cannot be sent is given up at its maximum age")
    func neverSent() {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Self.wrong, policy: Jobs.policy)
        for second in [Int64(0), 10, 20, 30, 86_400] {
            #expect(Self.hear(.notTaken(.notSent), &machine, at: second) == .wait(.notSent))
        }
        #expect(Self.hear(.notTaken(.notSent), &machine, at: 86_401).summary == "finish failed gave_up none")
    }

    @Test("a question that was accepted by it and gets no answer is given up at its maximum age")
    func question() {
        var progress = Progress()
        func ask(_ second: Int64) -> SeenStep {
            let query = RechargeStatusQuery(reference: "r", registerID: "1")
            var machine = RechargeStatusMachine(query, acceptedAt: Self.wrong, progress, policy: Jobs.policy)
            let now = Jobs.start + .seconds(second)
            _ = machine.wake(at: now, jitter: 0)
            let step = SeenStep(machine.on(.unanswered(.notSent, retryAfter: nil), at: now, jitter: 0))
            progress = machine.progress
            return step
        }
        for second in [Int64(0), 10, 20, 30, 86_400] { #expect(ask(second) == .wait(.notSent)) }
        #expect(ask(86_401).summary == "finish expired gave_up none")
    }

    @Test("the age of a recharge that is sent counts from its sending, whatever was seen before")
    func sentAfterwards() {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Self.wrong, policy: Jobs.policy)
        #expect(Self.hear(.notTaken(.notSent), &machine, at: 0) == .wait(.notSent))
        #expect(machine.progress.aheadSince != nil)
        _ = machine.wake(at: Jobs.start + .seconds(50_000), jitter: 0)
        _ = machine.on(.unknown(nil), at: Jobs.start + .seconds(50_000), jitter: 0)
        for (second, step) in [(Int64(50_001), SeenStep.wait(.doubt)), (136_400, .wait(.doubt)), (136_401, .park)] {
            #expect(Self.hear(Self.pending, &machine, at: second) == step)
            #expect(machine.progress.aheadSince == nil)
        }
    }
}
