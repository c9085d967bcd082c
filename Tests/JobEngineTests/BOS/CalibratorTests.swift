import JobModel
import Ledger
import Logging
import Synchronization
import Testing

@testable import JobEngine

@Suite("The enquiry is calibrated", .timeLimit(.minutes(1)))
struct CalibratorTests {
    private static let recharge = Recharge(
        operatorID: 311, subscriber: "9876543210", amount: Money(paise: 1_000), reference: "R1", registerID: "merchant")
    private static let subject = Subject(reference: "R1", subscriber: "9876543210", amount: "10", hasData: true)

    private static func calibrator(
        _ bos: ScriptedBOS, _ ledger: any Ledger = MemoryLedger(), _ clock: ManualClock = ManualClock()
    ) -> EnquiryCalibrator {
        var configuration = EngineConfiguration()
        configuration.policy.destination = "bos"
        return EnquiryCalibrator(
            gateway: bos, ledger: ledger, configuration: configuration, clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Runs until the calibration is something, and returns it.
    private static func run(_ calibrator: EnquiryCalibrator) async -> Calibration {
        await run(calibrator) { calibrator.calibration(of: "merchant") != .untried }
    }

    private static func run(_ calibrator: EnquiryCalibrator, until isDone: () -> Bool) async -> Calibration {
        let running = Task { await calibrator.run() }
        while !isDone(), !Task.isCancelled { await Task.yield() }
        running.cancel()
        await running.value
        return calibrator.calibration(of: "merchant")
    }

    private static func bos(_ enquiries: [Enquiry], probe: Enquiry = .found(.notFound, ScriptedBOS.answer)) -> ScriptedBOS {
        var script = ScriptedBOS.Script()
        script.enquiries = enquiries
        script.probe = probe
        return ScriptedBOS(script)
    }

    @Test("by a recharge that BOS has just done: what its enquiry shows is what counts from then on")
    func passed() async {
        for (subject, calibration) in [
            (Self.subject, Calibration.passed(showsData: true, hasOwnNumbers: false)),
            (Subject(), .passed(showsData: false, hasOwnNumbers: false)),
            (
                Subject(reference: "77", subscriber: "9876543210", amount: "10.00", hasData: true),
                .passed(showsData: true, hasOwnNumbers: true)
            ),
        ] {
            let calibrator = Self.calibrator(
                Self.bos([.unanswered(.unanswered, retryAfter: nil), .found(.succeeded, ScriptedBOS.answer, subject)]))
            calibrator.executed(Self.recharge, nil)
            #expect(await Self.run(calibrator) == calibration)
            #expect(calibrator.problems.isEmpty)
            #expect(calibrator.calibration(of: "another merchant") == .untried)
        }
    }

    @Test("an enquiry that does not find it, calls it failed, or answers about another recharge is blind")
    func blind() async {
        let other = Subject(reference: "R1", subscriber: "9876543211", amount: "10", hasData: true)
        for enquiry in [
            Enquiry.found(.notFound, ScriptedBOS.answer), .found(.failed(refunded: false), ScriptedBOS.answer, Self.subject),
            .found(.declined, ScriptedBOS.answer), .found(.succeeded, ScriptedBOS.answer, other),
        ] {
            let calibrator = Self.calibrator(Self.bos([enquiry]))
            calibrator.executed(Self.recharge, nil)
            #expect(await Self.run(calibrator) == .blind)
            #expect(calibrator.problems.count == 1)
        }
    }

    @Test("an enquiry that finds what was never sent is not relied on")
    func credulous() async {
        let found = Enquiry.found(.succeeded, ScriptedBOS.answer)
        let calibrator = Self.calibrator(Self.bos([found], probe: found))
        calibrator.executed(Self.recharge, nil)
        #expect(await Self.run(calibrator) == .credulous)
    }

    @Test("an enquiry that finds what was never sent does not become a blind one by an answer about another recharge")
    func credulousStays() async {
        let found = Enquiry.found(.succeeded, ScriptedBOS.answer)
        let other = Enquiry.found(.succeeded, ScriptedBOS.answer, Subject(reference: "R2", hasData: true))
        let bos = Self.bos([found] + Array(repeating: other, count: 8), probe: found)
        let calibrator = Self.calibrator(bos)
        calibrator.executed(Self.recharge, nil)
        #expect(await Self.run(calibrator) { bos.calls.enquiries.count >= 9 } == .credulous)
    }

    @Test("one answer that says neither \"found\" nor \"not found\" of what was never sent shows nothing; six of them do")
    func undecidedControl() async {
        let found = Enquiry.found(.succeeded, ScriptedBOS.answer)
        for (probe, calibration) in [
            (Enquiry.found(.declined, ScriptedBOS.answer), Calibration.passed(showsData: false, hasOwnNumbers: false)),
            (.found(.pending, ScriptedBOS.answer), .untried), (.unanswered(.unanswered, retryAfter: nil), .untried),
        ] {
            for rounds in [5, 6] {
                let bos = Self.bos(Array(repeating: found, count: rounds) + [.unanswered(.unanswered, retryAfter: nil)], probe: probe)
                let calibrator = Self.calibrator(bos)
                calibrator.executed(Self.recharge, nil)
                let seen = await Self.run(calibrator) {
                    bos.calls.enquiries.count > rounds || calibrator.calibration(of: "merchant") != .untried
                }
                #expect(seen == (rounds < 6 ? .untried : calibration))
            }
        }
    }

    @Test("a BOS that shows an execution late is asked again, and an enquiry that was blind is believed once it finds")
    func late() async {
        let notFound = Enquiry.found(.notFound, ScriptedBOS.answer)
        let calibrator = Self.calibrator(
            Self.bos(Array(repeating: notFound, count: 6) + [.found(.succeeded, ScriptedBOS.answer, Self.subject)]))
        calibrator.executed(Self.recharge, nil)
        let running = Task { await calibrator.run() }
        while !calibrator.calibration(of: "merchant").findsRecharges, !Task.isCancelled { await Task.yield() }
        running.cancel()
        await running.value
        #expect(calibrator.problems.isEmpty)
    }

    private static func recharge(_ reference: String) -> Recharge {
        var recharge = recharge
        recharge.reference = reference
        return recharge
    }

    @Test("a recharge that the enquiry did not find is held against it until it finds that very one, whatever was executed since")
    func missedRecharge() async {
        var script = ScriptedBOS.Script()
        script.enquiries =
            Array(repeating: .found(.notFound, ScriptedBOS.answer), count: 30) + [.found(.succeeded, ScriptedBOS.answer, Self.subject)]
        let bos = ScriptedBOS()
        let calibrator = Self.calibrator(bos)
        let seen = Mutex<[Calibration]>([])
        script.duringEnquiry = { _ in
            calibrator.executed(Self.recharge("R2"), nil)
            seen.withLock { $0.append(calibrator.calibration(of: "merchant")) }
        }
        bos.play(script)
        calibrator.executed(Self.recharge, nil)
        #expect(await Self.run(calibrator) { calibrator.calibration(of: "merchant").findsRecharges }.findsRecharges)
        #expect(bos.calls.enquiries == Array(repeating: "R1", count: 31))
        #expect(seen.withLock { $0 } == Array(repeating: .untried, count: 4) + Array(repeating: .blind, count: 27))
    }

    @Test("a recharge that the enquiry did not find for a day is given up: the latest one decides")
    func missedForADay() async {
        let clock = ManualClock()
        var script = ScriptedBOS.Script()
        script.enquiries = [.found(.notFound, ScriptedBOS.answer)]
        let bos = ScriptedBOS()
        let calibrator = Self.calibrator(bos, MemoryLedger(), clock)
        let turnedAt = Mutex<Duration?>(nil)
        script.duringEnquiry = { reference in
            calibrator.executed(Self.recharge("R2"), nil)
            guard reference == "R2" else { return }
            turnedAt.withLock { $0 = $0 ?? clock.uptime() }
            var script = ScriptedBOS.Script()
            script.enquiries = [.found(.succeeded, ScriptedBOS.answer, Subject(reference: "R2", hasData: true))]
            bos.play(script)
        }
        bos.play(script)
        calibrator.executed(Self.recharge, nil)
        #expect(await Self.run(calibrator) { calibrator.calibration(of: "merchant").findsRecharges }.findsRecharges)
        #expect(bos.calls.enquiries.suffix(3) == ["R1", "R2", "R2"])
        #expect((turnedAt.withLock { $0 } ?? .zero) >= EnquiryCalibrator.memory)
        #expect((turnedAt.withLock { $0 } ?? .zero) < EnquiryCalibrator.memory + .seconds(300))
    }

    @Test("while a recharge is missed, another one that an enquiry has found calibrates nothing")
    func foundMeanwhile() async {
        var script = ScriptedBOS.Script()
        let notFound = Enquiry.found(.notFound, ScriptedBOS.answer)
        script.enquiries = [
            notFound, notFound, .found(.succeeded, ScriptedBOS.answer, Subject(reference: "R2", hasData: true)), notFound,
        ]
        let bos = ScriptedBOS()
        let calibrator = Self.calibrator(bos)
        let seen = Mutex<Calibration?>(nil)
        script.duringEnquiry = { reference in
            guard reference == "R1", bos.calls.enquiries.count == 2 else { return }
            await calibrator.calibrate(byFound: Self.recharge("R2"), nil, .reference)
            seen.withLock { $0 = calibrator.calibration(of: "merchant") }
        }
        bos.play(script)
        calibrator.executed(Self.recharge, nil)
        #expect(await Self.run(calibrator) == .blind)
        #expect(seen.withLock { $0 } == .untried)
        // It goes on asking until the test ends it.
        #expect(bos.calls.enquiries.prefix(5) == ["R1", "R1", "R2", "R1", "R1"])
    }

    @Test("a recharge whose answer names another one is no example", arguments: [nil, "R1", "774411", "R9"])
    func foreignAnswer(bosReference: String?) async {
        var script = ScriptedBOS.Script()
        script.recharges = [.answered(.done, ScriptedBOS.answer, bosReference: bosReference)]
        let bos = ScriptedBOS(script)
        let calibrator = Self.calibrator(bos)
        var machine = RechargeMachine(Self.recharge, acceptedAt: Timestamp(milliseconds: 0), policy: RetryPolicy())
        let now = Moment(civil: Timestamp(milliseconds: 0), steady: SteadyTime(boot: "b", milliseconds: 0))
        guard case .send(let permit) = machine.wake(at: now, jitter: 0) else { return _ = Issue.record("it is not sent") }
        let caller = RechargeCaller(gateway: bos, calibrator: calibrator, enquiresBy: .reference)
        _ = await caller.send(permit, for: machine, CallOptions(traceparent: nil, timeout: .seconds(1)))
        var next = Self.recharge
        next.reference = "R2"
        calibrator.executed(next, nil)
        #expect(await Self.run(calibrator).findsRecharges)
        #expect(bos.calls.enquiries == [bosReference == "R9" ? "R2" : "R1"])
    }

    @Test("a worker begins with a recharge that the one before it has sent to the same API")
    func fromLedger() async {
        let fixture = EngineFixture()
        await fixture.handle(EngineFixture.recharge())
        let calibrator = Self.calibrator(Self.bos([.found(.succeeded, ScriptedBOS.answer, Self.subject)]), fixture.ledger)
        #expect(await Self.run(calibrator).findsRecharges)
    }

    @Test("a worker begins with a recharge of each merchant that has doubts, and asks about no others")
    func merchantsWithDoubts() async throws {
        let fixture = EngineFixture()
        for (reference, merchant) in [("R1", "m-1"), ("R2", "m-2"), ("R3", "m-3")] {
            await fixture.handle(EngineFixture.recharge(reference, registerID: merchant))
        }
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [.found(.pending, ScriptedBOS.answer)]
        fixture.bos.play(script)
        await fixture.handle(EngineFixture.recharge("R4", registerID: "m-2"))
        let bos = Self.bos([.found(.succeeded, ScriptedBOS.answer)])
        let calibrator = Self.calibrator(bos, fixture.ledger)
        let running = Task { await calibrator.run() }
        while !["m-2", "m-3"].allSatisfy({ calibrator.calibration(of: $0).findsRecharges }), !Task.isCancelled { await Task.yield() }
        running.cancel()
        await running.value
        #expect(Set(bos.calls.enquiries) == ["R2", "R3"])
        #expect(calibrator.calibration(of: "m-1") == .untried)
    }

    @Test("a finding is measured again by the next executed recharge once it is old, and counts until then")
    func measuredAgain() async {
        let clock = ManualClock()
        let bos = Self.bos([.found(.succeeded, ScriptedBOS.answer, Self.subject)])
        let calibrator = Self.calibrator(bos, MemoryLedger(), clock)
        let running = Task { await calibrator.run() }
        calibrator.executed(Self.recharge, nil)
        while calibrator.calibration(of: "merchant") == .untried, !Task.isCancelled { await Task.yield() }
        #expect(calibrator.calibration(of: "merchant").findsRecharges)
        var script = ScriptedBOS.Script()
        script.enquiries = [.found(.notFound, ScriptedBOS.answer)]
        bos.play(script)
        clock.advance(by: EnquiryCalibrator.lifetime)
        #expect(calibrator.calibration(of: "merchant").findsRecharges)
        calibrator.executed(Self.recharge, nil)
        while calibrator.calibration(of: "merchant").findsRecharges, !Task.isCancelled { await Task.yield() }
        #expect(calibrator.calibration(of: "merchant") == .blind)
        running.cancel()
        await running.value
    }

    @Test("only so many merchants are remembered: the one measured longest ago is untried again")
    func forgotten() {
        let clock = ManualClock()
        let calibrator = Self.calibrator(Self.bos([]), MemoryLedger(), clock)
        for number in 0...256 {
            calibrator.conclude(.blind, .init(registerID: "m-\(number)", name: .reference), isCertain: true)
            clock.advance(by: .seconds(1))
        }
        #expect(calibrator.calibration(of: "m-0") == .untried)
        for number in 1...256 { #expect(calibrator.calibration(of: "m-\(number)") == .blind) }
    }

    @Test("a run tells the calibrator what BOS has done, and a refused recharge fails only after it found something")
    func wired() async throws {
        let fixture = EngineFixture()
        fixture.calibrator.conclude(.untried, .init(registerID: "merchant", name: .reference), isCertain: true)
        await fixture.handle(EngineFixture.recharge())
        let running = Task { await fixture.calibrator.run() }
        while !fixture.calibrator.calibration(of: "merchant").findsRecharges, !Task.isCancelled { await Task.yield() }
        running.cancel()
        await running.value
        #expect(fixture.bos.calls.enquiries == ["R1"])
    }
}
