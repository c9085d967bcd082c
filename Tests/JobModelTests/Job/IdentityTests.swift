import JobModel
import Testing

@Suite("Which recharge an answer is about", .timeLimit(.minutes(1)))
struct IdentityTests {
    private static func weigh(
        _ finding: RechargeMachine.Finding, about subject: Subject, names: [String] = [Jobs.recharge.reference],
        calibration: Calibration = .untried
    ) -> WeighedFinding { finding.weighed(about: subject, against: Jobs.recharge, names: names, calibration: calibration) }

    private static func change(_ change: (inout Subject) -> Void) -> Subject {
        var subject = Jobs.subject
        change(&subject)
        return subject
    }

    @Test("an answer with the same reference, amount and subscriber is usable, in any spelling")
    func sameRecharge() {
        let subjects = [
            Jobs.subject, Self.change { $0.amount = "10" }, Self.change { $0.amount = "10.000" },
            Self.change { $0.subscriber = " DL12CB4685 " },
            Self.change { $0.reference = nil }, Self.change { $0.subscriber = nil }, Self.change { $0.amount = nil },
        ]
        for subject in subjects {
            for finding in [RechargeMachine.Finding.succeeded, .failed(refunded: false), .failed(refunded: true), .pending] {
                #expect(Self.weigh(finding, about: subject) == .usable(finding), "\(subject)")
            }
        }
    }

    @Test(
        "an answer with another reference, amount or subscriber is unusable, and the reason does not contain the subscriber",
        arguments: [RechargeMachine.Finding.succeeded, .failed(refunded: false), .failed(refunded: true), .pending])
    func otherRecharge(finding: RechargeMachine.Finding) {
        let subjects: [(Subject, String)] = [
            (Self.change { $0.reference = "r-2" }, "another reference"),
            (Self.change { $0.amount = "50" }, "an amount of 50 rupees, not 10"),
            (Self.change { $0.amount = "ten" }, "an amount that cannot be read"),
            (Self.change { $0.subscriber = "DL12CB4686" }, "another subscriber"), (Subject(reference: "774411"), "another reference"),
            (Subject(reference: Jobs.recharge.reference + " "), "another reference"),
        ]
        for (subject, reason) in subjects {
            guard case .unusable(let why) = Self.weigh(finding, about: subject) else {
                Issue.record("\(subject) is usable")
                continue
            }
            #expect(why.contains(reason))
            #expect(!why.contains("DL12CB468"))
        }
    }

    @Test("references and subscribers are compared byte by byte: two encodings of one character differ")
    func comparesBytes() {
        let (composed, decomposed) = ("r\u{E9}", "re\u{301}")
        #expect(Self.weigh(.succeeded, about: Self.change { $0.reference = composed }, names: [composed]) == .usable(.succeeded))
        #expect(Self.weigh(.succeeded, about: Self.change { $0.reference = decomposed }, names: [composed]) != .usable(.succeeded))
        var recharge = Jobs.recharge
        recharge.subscriber = composed
        func weigh(_ subscriber: String) -> WeighedFinding {
            RechargeMachine.Finding.succeeded.weighed(
                about: Self.change { $0.subscriber = subscriber }, against: recharge, names: [recharge.reference],
                calibration: .untried)
        }
        #expect(weigh(composed) == .usable(.succeeded))
        #expect(weigh(decomposed) != .usable(.succeeded))
    }

    @Test("a number of BOS names this recharge if the API was seen to assign numbers and nothing else contradicts")
    func ownNumbers() {
        let subject = Self.change { $0.reference = "774411" }
        let seen = Calibration.passed(showsData: true, hasOwnNumbers: true)
        #expect(Self.weigh(.succeeded, about: subject, calibration: seen) == .usable(.succeeded))
        #expect(Self.weigh(.succeeded, about: Self.change { $0.reference = "r-2" }, calibration: seen) != .usable(.succeeded))
        #expect(Self.weigh(.succeeded, about: Subject(reference: "774411", hasData: true), calibration: seen) != .usable(.succeeded))
        for calibration in [Calibration.untried, .blind, .credulous, Jobs.calibrated] {
            #expect(Self.weigh(.succeeded, about: subject, calibration: calibration) != .usable(.succeeded))
        }
        let names = [Jobs.recharge.reference, "774411"]
        #expect(Self.weigh(.succeeded, about: subject, names: names) == .usable(.succeeded))
        #expect(
            Self.weigh(.succeeded, about: Self.change { $0.reference = "774412" }, names: names, calibration: seen) != .usable(.succeeded))
    }

    @Test("an answer without data is unusable if the enquiry shows data, finds nothing, or finds recharges that were never sent")
    func answerWithoutData() {
        #expect(Self.weigh(.succeeded, about: Subject()) != .usable(.succeeded))
        #expect(Self.weigh(.failed(refunded: false), about: Subject()) != .usable(.failed(refunded: false)))
        #expect(Self.weigh(.pending, about: Subject()) == .usable(.pending))
        #expect(Self.weigh(.succeeded, about: Subject(), calibration: Jobs.calibrated) != .usable(.succeeded))
        #expect(Self.weigh(.failed(refunded: false), about: Subject(), calibration: Jobs.calibrated) != .usable(.failed(refunded: false)))
        #expect(Self.weigh(.succeeded, about: Subject(), calibration: .credulous) != .usable(.succeeded))
        #expect(Self.weigh(.succeeded, about: Jobs.subject, calibration: .credulous) == .usable(.succeeded))
        #expect(Self.weigh(.succeeded, about: Subject(), calibration: .blind) != .usable(.succeeded))
        #expect(
            Self.weigh(.succeeded, about: Subject(reference: Jobs.recharge.reference, hasData: true), calibration: .blind)
                == .usable(.succeeded))
        #expect(
            Self.weigh(.succeeded, about: Subject(), calibration: .passed(showsData: false, hasOwnNumbers: false)) == .usable(.succeeded))
    }

    @Test("an answer about another recharge resolves nothing, the remark says why, and the doubt is parked in the end")
    func doubtAboutAnother() {
        var machine = DoubtTests.doubtful()
        let other = Self.change { $0.amount = "50" }
        #expect(
            SeenStep(
                machine.on(
                    .enquired(.succeeded, answer: Jobs.answer, subject: other, calibration: Jobs.calibrated), at: Jobs.start, jitter: 0))
                == .wait(.doubt))
        #expect(machine.remark == "the answer is about another recharge: it names an amount of 50 rupees, not 10")
        _ = machine.wake(at: Jobs.start + .seconds(86_401), jitter: 0)
        let last = machine.on(
            .enquired(.succeeded, answer: Jobs.answer, subject: other, calibration: Jobs.calibrated), at: Jobs.start + .seconds(86_401),
            jitter: 0)
        #expect(SeenStep(last) == .park)
        #expect(machine.remark.contains("50 rupees, not 10"))
    }

    @Test("a recharge that BOS had before the first sending is this one only if the answer names the subscriber")
    func duplicateBeforeSending() {
        for (subject, step) in [
            (Jobs.subject, "finish succeeded - enquiry"), (Subject(), "park"),
            (Subject(reference: Jobs.recharge.reference, hasData: true), "park"),
            (Self.change { $0.subscriber = "DL12CB4686" }, "park"),
        ] {
            var machine = RechargeMachineTests.machine(.sending)
            _ = machine.on(.answered(.duplicateReference, Jobs.answer), at: Jobs.start, jitter: 0)
            #expect(
                SeenStep(
                    machine.on(
                        .enquired(.succeeded, answer: Jobs.answer, subject: subject, calibration: Jobs.plain), at: Jobs.start, jitter: 0)
                ).summary == step)
        }
        // BOS still works on the earlier recharge. That does not make it this one.
        var pending = RechargeMachineTests.machine(.inDoubt, doubt: .duplicate)
        _ = pending.on(.enquired(.pending, answer: Jobs.answer), at: Jobs.start, jitter: 0)
        _ = pending.wake(at: Jobs.start, jitter: 0)
        #expect(
            SeenStep(pending.on(.enquired(.succeeded, answer: Jobs.answer, calibration: Jobs.plain), at: Jobs.start, jitter: 0)) == .park)
    }

    @Test("after a sending that was found not executed, the earlier recharge of the reference is this one")
    func duplicateAfterResending() {
        var machine = RechargeMachineTests.machine(.inDoubt, doubt: .duplicate) { $0.resendings = 1 }
        #expect(
            SeenStep(machine.on(.enquired(.succeeded, answer: Jobs.answer, calibration: Jobs.plain), at: Jobs.start, jitter: 0)).summary
                == "finish succeeded - enquiry")
    }

    @Test("an answer to DoRecharge whose refid names another recharge is unusable, and a number of BOS is stored")
    func answerOfAnother() {
        var machine = RechargeMachineTests.machine(.sending)
        #expect(SeenStep(machine.on(.answered(.done, Jobs.answer, bosReference: "r-2"), at: Jobs.start, jitter: 0)) == .query)
        #expect(machine.progress.doubt == .unanswered)
        #expect(machine.progress.bosReference == nil)
        // The replies must not carry the other recharge's numbers, neither now nor after a "pending" about this one.
        #expect(machine.progress.answer == nil && machine.progress.evidence == nil)
        let pending = Answer(httpStatus: 200, acknowledgement: "18")
        _ = machine.on(.enquired(.pending, answer: pending, subject: Jobs.subject), at: Jobs.start, jitter: 0)
        #expect(machine.progress.answer == pending)
        #expect(machine.takeInterimVerdict()?.evidence == .enquiry)
        var own = RechargeMachineTests.machine(.sending)
        #expect(SeenStep(own.on(.answered(.accepted, Jobs.answer, bosReference: "774411"), at: Jobs.start, jitter: 0)) == .wait(.doubt))
        #expect(own.progress.bosReference == "774411")
    }

    @Test("an enquiry is calibrated by its answer about a recharge that certainly exists")
    func calibrationByKnownRecharge() {
        func shown(_ subject: Subject, bosReference: String? = nil) -> Calibration? {
            subject.calibration(by: Jobs.recharge, bosReference: bosReference)
        }
        #expect(shown(Jobs.subject) == Jobs.calibrated)
        #expect(shown(Subject()) == .passed(showsData: false, hasOwnNumbers: false))
        #expect(shown(Self.change { $0.reference = "774411" }) == .passed(showsData: true, hasOwnNumbers: true))
        #expect(shown(Subject(reference: "774411", hasData: true), bosReference: "774411") == .passed(showsData: true, hasOwnNumbers: true))
        #expect(shown(Subject(reference: "774411", hasData: true)) == nil)
        #expect(shown(Self.change { $0.reference = "r-2" }) == nil)
        #expect(shown(Self.change { $0.amount = "50" }) == nil)
        #expect(shown(Self.change { $0.subscriber = "DL12CB4686" }) == nil)
    }
}
