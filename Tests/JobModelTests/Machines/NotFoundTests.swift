import JobModel
import Testing

@Suite("What \"not found\" proves", .timeLimit(.minutes(1)))
struct NotFoundTests {
    private static func notFound(_ calibration: Calibration) -> RechargeMachine.Event {
        .enquired(.notFound, Answer(httpStatus: 200), Subject(), calibration)
    }

    /// Hears "not found" at these seconds and returns the last step.
    private static func hear(_ machine: inout RechargeMachine, _ calibration: Calibration, at seconds: [Int64]) -> SeenStep {
        var last = SeenStep.nothing
        for second in seconds {
            _ = machine.wake(at: Jobs.start + .seconds(second), jitter: 0)
            last = SeenStep(machine.on(notFound(calibration), at: Jobs.start + .seconds(second), jitter: 0.99))
        }
        return last
    }

    private static func doubtful(_ cause: DoubtCause = .unanswered, _ change: (inout RetryPolicy) -> Void = { _ in }) -> RechargeMachine {
        var policy = Jobs.policy
        change(&policy)
        return RechargeMachine(
            Jobs.recharge, acceptedAt: Jobs.start, RechargeMachineTests.machine(.inDoubt, cause).progress, policy: policy)
    }

    @Test("by default the doubt is left to a person after the window, sent once, whatever the enquiry was seen to do")
    func person() {
        #expect(RetryPolicy().settle.notFound == .person)
        for calibration in [Calibration.untried, .blind, .credulous, Jobs.calibrated] {
            var machine = Self.doubtful { $0.settle.notFound = .person }
            #expect(Self.hear(&machine, calibration, at: [0, 60, 119]) == .wait(.doubt))
            #expect(Self.hear(&machine, calibration, at: [120]) == .park)
            #expect(machine.progress.attempts == 1)
            #expect(machine.setAside()?.outcome == .inDoubt)
        }
    }

    @Test("it is believed only from an enquiry that was seen to find a recharge")
    func calibrated() {
        var machine = Self.doubtful()
        #expect(Self.hear(&machine, .untried, at: [0, 60, 120, 200]) == .wait(.doubt))
        #expect(machine.remark.contains("was not yet seen to find"))
        #expect(Self.hear(&machine, Jobs.calibrated, at: [201]) == .send(.settledNotFound))
        for calibration in [Calibration.blind, .credulous] {
            var other = Self.doubtful()
            #expect(Self.hear(&other, calibration, at: [0, 60, 120]) == .park)
            #expect(other.progress.attempts == 1)
        }
    }

    @Test("a recharge whose deadline has passed is not called failed by an enquiry that was not seen to find anything")
    func deadline() {
        var recharge = Jobs.recharge
        recharge.expiresAt = Jobs.start + .seconds(10)
        var machine = RechargeMachine(
            recharge, acceptedAt: Jobs.start, RechargeMachineTests.machine(.inDoubt, .unanswered).progress, policy: Jobs.policy)
        #expect(Self.hear(&machine, .blind, at: [0, 60, 120]) == .park)
    }

    @Test("a refused recharge has failed once it was not found twice over the refusal window, by an enquiry that finds recharges")
    func refused() {
        for (seconds, step) in [([0], "wait doubt"), ([0, 29], "wait doubt"), ([0, 30], "finish failed refused_by_bos enquiry")] {
            var machine = Self.doubtful(.refused)
            #expect(Self.hear(&machine, Jobs.calibrated, at: seconds.map(Int64.init)).summary == step)
        }
        for calibration in [Calibration.untried, .blind, .credulous] {
            var machine = Self.doubtful(.refused)
            #expect(Self.hear(&machine, calibration, at: [0, 30, 60, 3_000]) == .wait(.doubt))
            #expect(machine.remark.contains(calibration.explanation))
        }
    }

    @Test("a refused recharge is asked about again when its window ends")
    func refusedIsDue() {
        var machine = Self.doubtful(.refused)
        #expect(Self.hear(&machine, Jobs.calibrated, at: [0]) == .wait(.doubt))
        #expect(machine.progress.dueAt == Jobs.start + .seconds(30))
    }

    @Test("what was sent to another API or account is neither asked about nor sent again here: a person gets it, with both names")
    func moved() {
        for state in [JobState.sending, .inDoubt] {
            var progress = RechargeMachineTests.machine(state, state == .inDoubt ? .unanswered : nil).progress
            progress.sentTo = "https://old.example/DoRecharge (auth none)"
            var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, progress, policy: Jobs.policy)
            #expect(SeenStep(machine.wake(at: Jobs.start, jitter: 0)) == .park)
            #expect(machine.progress.state == .parked)
            #expect(machine.remark.contains("https://old.example/DoRecharge (auth none)"))
            #expect(machine.remark.contains(Jobs.policy.destination))
            // A person who has it tried again gets it back, unless the API is known under both names.
            let isDue = machine.retry(at: .steady(Jobs.start))
            #expect(isDue)
            #expect(SeenStep(machine.wake(at: Jobs.start, jitter: 0)) == .park)
            var policy = Jobs.policy
            policy.formerDestinations = ["https://old.example/DoRecharge (auth none)"]
            var known = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, progress, policy: policy)
            #expect(SeenStep(known.wake(at: Jobs.start, jitter: 0)) == .ask)
        }
    }

    @Test("where the first sending went is stored with its time, and kept by later sendings")
    func sentTo() {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        _ = machine.wake(at: Jobs.start, jitter: 0)
        #expect(machine.progress.sentTo == Jobs.policy.destination)
        _ = machine.on(.notTaken(.notSent), at: Jobs.start, jitter: 0)
        #expect(machine.progress.sentTo == nil)
    }

    @Test("without the knowledge where it was sent, \"not found\" is no proof")
    func unknownDestination() {
        var machine = Self.doubtful()
        machine = RechargeMachine(
            Jobs.recharge, acceptedAt: Jobs.start,
            {
                var progress = machine.progress
                progress.sentTo = nil
                return progress
            }(), policy: Jobs.policy)
        #expect(Self.hear(&machine, Jobs.calibrated, at: [0, 60, 120]) == .park)
    }
}
