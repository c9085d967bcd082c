import JobModel
import Testing

@Suite("A clock that was years ahead and was corrected", .timeLimit(.minutes(1)))
struct ClockAheadTests {
    /// What the clock shows while it is wrong.
    static let wrong = Jobs.start + .seconds(10 * 365 * 86_400)
    static let pending = RechargeMachine.Event.enquired(.pending, answer: Jobs.answer)

    /// A recharge in doubt that was sent while the clock was wrong.
    static func doubtful(_ policy: RetryPolicy = Jobs.policy) -> RechargeMachine {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: wrong, policy: policy)
        _ = machine.wake(at: wrong, jitter: 0)
        _ = machine.on(.unknown(nil), at: wrong, jitter: 0)
        return machine
    }

    /// Continues from the stored progress, as after a restart, and processes the event at that second.
    static func hear(_ event: RechargeMachine.Event, by machine: inout RechargeMachine, at second: Int64) -> SeenStep {
        let now = Jobs.start + .seconds(second)
        machine = RechargeMachine(Jobs.recharge, acceptedAt: machine.acceptedAt, progress: machine.progress, policy: Jobs.policy)
        _ = machine.wake(at: now, jitter: 0)
        return SeenStep(machine.on(event, at: now, jitter: 0))
    }

    @Test("a doubt from that time is parked at its maximum age, counted from when the worker first saw the wrong time")
    func doubtIsParked() {
        var machine = Self.doubtful()
        #expect(Self.hear(Self.pending, by: &machine, at: 0) == .wait(.doubt))
        #expect(machine.progress.aheadSince == Jobs.start)
        #expect(machine.progress.firstSentAt == Self.wrong)
        #expect(Self.hear(Self.pending, by: &machine, at: 86_400) == .wait(.doubt))
        #expect(Self.hear(Self.pending, by: &machine, at: 86_401) == .park)
    }

    @Test("a wrong sending time does not shorten the not-found window")
    func notSentEarlier() {
        var machine = Self.doubtful()
        #expect(Self.hear(DoubtTests.notFound, by: &machine, at: 0) == .wait(.doubt))
        #expect(Self.hear(DoubtTests.notFound, by: &machine, at: 60) == .wait(.doubt))
        #expect(Self.hear(DoubtTests.notFound, by: &machine, at: 119) == .wait(.doubt))
        #expect(machine.progress.attempts == 1)
    }

    @Test("a clock that is far behind for a while does not make a doubt look older")
    func backAndForth() {
        var machine = DoubtTests.doubtful()
        #expect(Self.hear(Self.pending, by: &machine, at: -10 * 365 * 86_400) == .wait(.doubt))
        #expect(machine.progress.aheadSince != nil)
        #expect(Self.hear(Self.pending, by: &machine, at: 3_600) == .wait(.doubt))
        #expect(machine.progress.aheadSince == nil)
        #expect(Self.hear(Self.pending, by: &machine, at: 86_401) == .park)
    }

    @Test("if the clock is set back again, the age counts again from then, and the limit is still reached")
    func setBackTwice() {
        var machine = Self.doubtful()
        #expect(Self.hear(Self.pending, by: &machine, at: 0) == .wait(.doubt))
        #expect(Self.hear(Self.pending, by: &machine, at: -500_000) == .wait(.doubt))
        #expect(Self.hear(Self.pending, by: &machine, at: -500_000 + 86_400) == .wait(.doubt))
        #expect(Self.hear(Self.pending, by: &machine, at: -500_000 + 86_401) == .park)
    }

    @Test("a PAN application accepted at the wrong time expires at its maximum age")
    func panApplication() {
        var progress = Progress()
        func wake(_ second: Int64) -> SeenStep {
            var machine = PANStatusMachine(PANStatusQuery(reference: "p"), acceptedAt: Self.wrong, progress: progress, policy: Jobs.policy)
            let now = Jobs.start + .seconds(second)
            let step = SeenStep(machine.wake(at: now, jitter: 0))
            if step == .query { _ = machine.on(.found(.pending, Jobs.answer), at: now, jitter: 0) }
            progress = machine.progress
            return step
        }
        #expect(wake(0) == .query)
        #expect(wake(30 * 86_400) == .query)
        #expect(wake(30 * 86_400 + 1).summary == "finish expired gave_up answer")
    }

    @Test("a recharge accepted at the wrong time that cannot be sent is given up at its maximum age")
    func neverSent() {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Self.wrong, policy: Jobs.policy)
        for second in [Int64(0), 10, 20, 30, 86_400] {
            #expect(Self.hear(.notTaken(.notSent), by: &machine, at: second) == .wait(.notSent))
        }
        #expect(Self.hear(.notTaken(.notSent), by: &machine, at: 86_401).summary == "finish failed gave_up none")
    }

    @Test("a question accepted at the wrong time that gets no answer is given up at its maximum age")
    func unansweredQuestion() {
        var progress = Progress()
        func query(at second: Int64) -> SeenStep {
            let query = RechargeStatusQuery(reference: "r", registerID: "1")
            var machine = RechargeStatusMachine(query, acceptedAt: Self.wrong, progress: progress, policy: Jobs.policy)
            let now = Jobs.start + .seconds(second)
            _ = machine.wake(at: now, jitter: 0)
            let step = SeenStep(machine.on(.unanswered(.notSent, retryAfter: nil), at: now, jitter: 0))
            progress = machine.progress
            return step
        }
        for second in [Int64(0), 10, 20, 30, 86_400] { #expect(query(at: second) == .wait(.notSent)) }
        #expect(query(at: 86_401).summary == "finish expired gave_up none")
    }

    @Test("the age of a doubt counts from its sending, even if its acceptance time was wrong")
    func sentAfterwards() {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Self.wrong, policy: Jobs.policy)
        #expect(Self.hear(.notTaken(.notSent), by: &machine, at: 0) == .wait(.notSent))
        #expect(machine.progress.aheadSince != nil)
        _ = machine.wake(at: Jobs.start + .seconds(50_000), jitter: 0)
        _ = machine.on(.unknown(nil), at: Jobs.start + .seconds(50_000), jitter: 0)
        for (second, step) in [(Int64(50_001), SeenStep.wait(.doubt)), (136_400, .wait(.doubt)), (136_401, .park)] {
            #expect(Self.hear(Self.pending, by: &machine, at: second) == step)
            #expect(machine.progress.aheadSince == nil)
        }
    }
}
