import JobModel
import Testing

@Suite("What \"not found\" proves", .timeLimit(.minutes(1)))
struct NotFoundTests {
    private static func notFound(_ calibration: Calibration) -> RechargeMachine.Event {
        .enquired(.notFound, answer: Answer(httpStatus: 200), calibration: calibration)
    }

    /// Processes "not found" at each of these seconds and returns the last step.
    private static func hear(_ machine: inout RechargeMachine, calibration: Calibration, at seconds: [Int64]) -> SeenStep {
        var last = SeenStep.nothing
        for second in seconds {
            _ = machine.wake(at: Jobs.start + .seconds(second), jitter: 0)
            last = SeenStep(machine.on(notFound(calibration), at: Jobs.start + .seconds(second), jitter: 0.99))
        }
        return last
    }

    private static func doubtful(_ cause: DoubtCause = .unanswered, change: (inout RetryPolicy) -> Void = { _ in }) -> RechargeMachine {
        var policy = Jobs.policy
        change(&policy)
        return RechargeMachine(
            Jobs.recharge, acceptedAt: Jobs.start, progress: RechargeMachineTests.machine(.inDoubt, doubt: cause).progress, policy: policy)
    }

    @Test("by default the doubt is parked after the window and not sent again, whatever the calibration")
    func parkedByDefault() {
        #expect(RetryPolicy().notFound.meaning == .person)
        for calibration in [Calibration.untried, .blind, .credulous, Jobs.calibrated] {
            var machine = Self.doubtful { $0.notFound.meaning = .person }
            #expect(Self.hear(&machine, calibration: calibration, at: [0, 60, 119]) == .wait(.doubt))
            #expect(Self.hear(&machine, calibration: calibration, at: [120]) == .park)
            #expect(machine.progress.attempts == 1)
            #expect(machine.takeInterimVerdict()?.outcome == .inDoubt)
        }
    }

    @Test("it is proof only if the enquiry was seen to find a recharge")
    func needsCalibration() {
        var machine = Self.doubtful()
        #expect(Self.hear(&machine, calibration: .untried, at: [0, 60, 120, 200]) == .wait(.doubt))
        #expect(machine.remark.contains("was not yet seen to find"))
        #expect(Self.hear(&machine, calibration: Jobs.calibrated, at: [201]) == .send(.confirmedNotFound))
        for calibration in [Calibration.blind, .credulous] {
            var other = Self.doubtful()
            #expect(Self.hear(&other, calibration: calibration, at: [0, 60, 120]) == .park)
            #expect(other.progress.attempts == 1)
        }
    }

    @Test("after its deadline a recharge is parked, not failed, if the enquiry is blind")
    func deadline() {
        var recharge = Jobs.recharge
        recharge.expiresAt = Jobs.start + .seconds(10)
        var machine = RechargeMachine(
            recharge, acceptedAt: Jobs.start, progress: RechargeMachineTests.machine(.inDoubt, doubt: .unanswered).progress,
            policy: Jobs.policy)
        #expect(Self.hear(&machine, calibration: .blind, at: [0, 60, 120]) == .park)
    }

    @Test("a refused recharge fails after two not-found answers over the refusal window, if the enquiry finds recharges")
    func refused() {
        for (seconds, step) in [([0], "wait doubt"), ([0, 29], "wait doubt"), ([0, 30], "finish failed refused_by_bos enquiry")] {
            var machine = Self.doubtful(.refused)
            #expect(Self.hear(&machine, calibration: Jobs.calibrated, at: seconds.map(Int64.init)).summary == step)
        }
        for calibration in [Calibration.untried, .blind, .credulous] {
            var machine = Self.doubtful(.refused)
            #expect(Self.hear(&machine, calibration: calibration, at: [0, 30, 60, 3_000]) == .wait(.doubt))
            #expect(machine.remark.contains(calibration.explanation))
        }
    }

    @Test("the next enquiry about a refused recharge is due when the refusal window ends")
    func refusedIsDue() {
        var machine = Self.doubtful(.refused)
        #expect(Self.hear(&machine, calibration: Jobs.calibrated, at: [0]) == .wait(.doubt))
        #expect(machine.progress.dueAt == Jobs.start + .seconds(30))
    }

    @Test("a recharge at another API or account is parked without an enquiry, and the remark names both destinations")
    func moved() {
        for state in [JobState.sending, .inDoubt] {
            var progress = RechargeMachineTests.machine(state, doubt: state == .inDoubt ? .unanswered : nil).progress
            progress.sentTo = "https://old.example/DoRecharge (auth none)"
            var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, progress: progress, policy: Jobs.policy)
            #expect(SeenStep(machine.wake(at: Jobs.start, jitter: 0)) == .park)
            #expect(machine.progress.state == .parked)
            #expect(machine.remark.contains("https://old.example/DoRecharge (auth none)"))
            #expect(machine.remark.contains(Jobs.policy.destination))
            // If an operator retries it, it is parked again, unless the old destination is configured as a former name.
            let isDue = machine.retry(at: .monotonic(Jobs.start))
            #expect(isDue)
            #expect(SeenStep(machine.wake(at: Jobs.start, jitter: 0)) == .park)
            var policy = Jobs.policy
            policy.formerDestinations = ["https://old.example/DoRecharge (auth none)"]
            var known = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, progress: progress, policy: policy)
            #expect(SeenStep(known.wake(at: Jobs.start, jitter: 0)) == .query)
        }
    }

    @Test("the destination is stored before the sending, and removed if BOS did not take the request")
    func sentTo() {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        _ = machine.wake(at: Jobs.start, jitter: 0)
        #expect(machine.progress.sentTo == Jobs.policy.destination)
        _ = machine.on(.notTaken(.notSent), at: Jobs.start, jitter: 0)
        #expect(machine.progress.sentTo == nil)
    }

    @Test("without a stored destination \"not found\" is no proof")
    func unknownDestination() {
        var machine = Self.doubtful()
        machine = RechargeMachine(
            Jobs.recharge, acceptedAt: Jobs.start,
            progress: {
                var progress = machine.progress
                progress.sentTo = nil
                return progress
            }(), policy: Jobs.policy)
        #expect(Self.hear(&machine, calibration: Jobs.calibrated, at: [0, 60, 120]) == .park)
    }
}

@Suite("A recharge of which it is unknown whether it was sent", .timeLimit(.minutes(1)))
struct UnknownSendingTests {
    private static let unknown = RechargeMachine(
        Jobs.recharge, acceptedAt: Jobs.start, progress: .mayHaveBeenSent(at: Jobs.start), policy: Jobs.policy)

    @Test("is asked about, and is never sent by the worker, however often and long BOS does not know it")
    func neverSent() {
        for calibration in [Calibration.untried, .blind, .credulous, Jobs.calibrated] {
            var machine = Self.unknown
            #expect(SeenStep(machine.wake(at: Jobs.start, jitter: 0)) == .query)
            var last = SeenStep.nothing
            for second in [Int64(0), 60, 120, 200] where last != .park {
                _ = machine.wake(at: Jobs.start + .seconds(second), jitter: 0)
                let event = RechargeMachine.Event.enquired(.notFound, answer: Answer(httpStatus: 200), calibration: calibration)
                last = SeenStep(machine.on(event, at: Jobs.start + .seconds(second), jitter: 0.99))
            }
            #expect(last == .park)
            #expect(machine.progress.attempts == 0)
        }
    }

    @Test("has succeeded if BOS says so, and may be sent again by a person")
    func decided() {
        var machine = Self.unknown
        _ = machine.wake(at: Jobs.start, jitter: 0)
        let event = RechargeMachine.Event.enquired(.succeeded, answer: Answer(httpStatus: 200), subject: Jobs.subject)
        _ = machine.on(event, at: Jobs.start, jitter: 0)
        #expect(machine.progress.state == .succeeded)
        var other = Self.unknown
        let isSent = other.sendAgain(at: .monotonic(Jobs.start))
        #expect(isSent)
    }
}
