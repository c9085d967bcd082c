import JobModel
import Ledger
import Logging
import Synchronization
import Testing

@testable import JobEngine

@Suite("The calibration of the enquiry", .timeLimit(.minutes(1)))
struct CalibratorTests {
    private static let recharge = Recharge(
        operatorID: 311, subscriber: "9876543210", amount: Money(paise: 1_000), reference: "R1", registerID: "merchant")
    private static let subject = Subject(reference: "R1", subscriber: "9876543210", amount: "10", hasData: true)

    private static func calibrator(
        _ bos: ScriptedBOS, ledger: any Ledger = MemoryLedger(), clock: ManualClock = ManualClock()
    ) -> EnquiryCalibrator {
        var configuration = EngineConfiguration()
        configuration.policy.destination = "bos"
        return EnquiryCalibrator(
            gateway: bos, ledger: ledger, configuration: configuration, clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Runs until the merchant is calibrated, and returns the calibration.
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

    @Test("counts from the first enquiry that finds a recharge which BOS executed")
    func calibratedByExecutedRecharge() async {
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
            calibrator.recordExecution(of: Self.recharge, bosReference: nil)
            #expect(await Self.run(calibrator) == calibration)
            #expect(calibrator.problems.isEmpty)
            #expect(calibrator.calibration(of: "another merchant") == .untried)
        }
    }

    @Test("is blind if an enquiry does not find the recharge, calls it failed, or answers about another one")
    func blindEnquiry() async {
        let other = Subject(reference: "R1", subscriber: "9876543211", amount: "10", hasData: true)
        for enquiry in [
            Enquiry.found(.notFound, ScriptedBOS.answer), .found(.failed(refunded: false), ScriptedBOS.answer, Self.subject),
            .found(.declined, ScriptedBOS.answer), .found(.succeeded, ScriptedBOS.answer, other),
        ] {
            let calibrator = Self.calibrator(Self.bos([enquiry]))
            calibrator.recordExecution(of: Self.recharge, bosReference: nil)
            #expect(await Self.run(calibrator) == .blind)
            #expect(calibrator.problems.count == 1)
        }
    }

    @Test("is credulous if an enquiry finds a recharge that does not exist")
    func credulousEnquiry() async {
        let found = Enquiry.found(.succeeded, ScriptedBOS.answer)
        let calibrator = Self.calibrator(Self.bos([found], probe: found))
        calibrator.recordExecution(of: Self.recharge, bosReference: nil)
        #expect(await Self.run(calibrator) == .credulous)
    }

    @Test("stays credulous after an answer about another recharge")
    func credulousStays() async {
        let found = Enquiry.found(.succeeded, ScriptedBOS.answer)
        let other = Enquiry.found(.succeeded, ScriptedBOS.answer, Subject(reference: "R2", hasData: true))
        let bos = Self.bos([found] + Array(repeating: other, count: 8), probe: found)
        let calibrator = Self.calibrator(bos)
        calibrator.recordExecution(of: Self.recharge, bosReference: nil)
        #expect(await Self.run(calibrator) { bos.calls.enquiries.count >= 9 } == .credulous)
    }

    @Test("needs six answers about a recharge that does not exist if they say neither \"found\" nor \"not found\"")
    func undecidedControl() async {
        let found = Enquiry.found(.succeeded, ScriptedBOS.answer)
        for (probe, calibration) in [
            (Enquiry.found(.declined, ScriptedBOS.answer), Calibration.passed(showsData: false, hasOwnNumbers: false)),
            (.found(.pending, ScriptedBOS.answer), .untried), (.unanswered(.unanswered, retryAfter: nil), .untried),
        ] {
            for rounds in [5, 6] {
                let bos = Self.bos(Array(repeating: found, count: rounds) + [.unanswered(.unanswered, retryAfter: nil)], probe: probe)
                let calibrator = Self.calibrator(bos)
                calibrator.recordExecution(of: Self.recharge, bosReference: nil)
                let seen = await Self.run(calibrator) {
                    bos.calls.enquiries.count > rounds || calibrator.calibration(of: "merchant") != .untried
                }
                #expect(seen == (rounds < 6 ? .untried : calibration))
            }
        }
    }

    @Test("passes after it was blind, once a late enquiry finds the recharge")
    func passesAfterBlind() async {
        let notFound = Enquiry.found(.notFound, ScriptedBOS.answer)
        let calibrator = Self.calibrator(
            Self.bos(Array(repeating: notFound, count: 6) + [.found(.succeeded, ScriptedBOS.answer, Self.subject)]))
        calibrator.recordExecution(of: Self.recharge, bosReference: nil)
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

    @Test("stays blind until an enquiry finds the missed recharge itself, whatever BOS executed since")
    func missedRecharge() async {
        var script = ScriptedBOS.Script()
        script.enquiries =
            Array(repeating: .found(.notFound, ScriptedBOS.answer), count: 30) + [.found(.succeeded, ScriptedBOS.answer, Self.subject)]
        let bos = ScriptedBOS()
        let calibrator = Self.calibrator(bos)
        let seen = Mutex<[Calibration]>([])
        script.duringEnquiry = { _ in
            calibrator.recordExecution(of: Self.recharge("R2"), bosReference: nil)
            seen.withLock { $0.append(calibrator.calibration(of: "merchant")) }
        }
        bos.play(script)
        calibrator.recordExecution(of: Self.recharge, bosReference: nil)
        #expect(await Self.run(calibrator) { calibrator.calibration(of: "merchant").findsRecharges }.findsRecharges)
        #expect(bos.calls.enquiries == Array(repeating: "R1", count: 31))
        #expect(seen.withLock { $0 } == Array(repeating: .untried, count: 4) + Array(repeating: .blind, count: 27))
    }

    @Test("gives up a recharge that was not found for a day, and continues with the latest one")
    func missedForADay() async {
        let clock = ManualClock()
        var script = ScriptedBOS.Script()
        script.enquiries = [.found(.notFound, ScriptedBOS.answer)]
        let bos = ScriptedBOS()
        let calibrator = Self.calibrator(bos, clock: clock)
        let turnedAt = Mutex<Duration?>(nil)
        script.duringEnquiry = { reference in
            calibrator.recordExecution(of: Self.recharge("R2"), bosReference: nil)
            guard reference == "R2" else { return }
            turnedAt.withLock { $0 = $0 ?? clock.uptime() }
            var script = ScriptedBOS.Script()
            script.enquiries = [.found(.succeeded, ScriptedBOS.answer, Subject(reference: "R2", hasData: true))]
            bos.play(script)
        }
        bos.play(script)
        calibrator.recordExecution(of: Self.recharge, bosReference: nil)
        #expect(await Self.run(calibrator) { calibrator.calibration(of: "merchant").findsRecharges }.findsRecharges)
        #expect(bos.calls.enquiries.suffix(3) == ["R1", "R2", "R2"])
        #expect((turnedAt.withLock { $0 } ?? .zero) >= EnquiryCalibrator.memory)
        #expect((turnedAt.withLock { $0 } ?? .zero) < EnquiryCalibrator.memory + .seconds(300))
    }

    @Test("ignores other found recharges while a recharge is missed")
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
            await calibrator.calibrate(byFound: Self.recharge("R2"), bosReference: nil, name: .reference)
            seen.withLock { $0 = calibrator.calibration(of: "merchant") }
        }
        bos.play(script)
        calibrator.recordExecution(of: Self.recharge, bosReference: nil)
        #expect(await Self.run(calibrator) == .blind)
        #expect(seen.withLock { $0 } == .untried)
        // It continues to enquire until the test ends it.
        #expect(bos.calls.enquiries.prefix(5) == ["R1", "R1", "R2", "R1", "R1"])
    }

    @Test("does not use a recharge whose answer names another one", arguments: [nil, "R1", "774411", "R9"])
    func answerAboutOtherRecharge(bosReference: String?) async {
        var script = ScriptedBOS.Script()
        script.recharges = [.answered(.done, ScriptedBOS.answer, bosReference: bosReference)]
        let bos = ScriptedBOS(script)
        let calibrator = Self.calibrator(bos)
        var machine = RechargeMachine(Self.recharge, acceptedAt: Timestamp(milliseconds: 0), policy: RetryPolicy())
        let now = ClockReading(wallClock: Timestamp(milliseconds: 0), monotonic: BootTime(boot: "b", milliseconds: 0))
        guard case .send(let permit) = machine.wake(at: now, jitter: 0) else { return _ = Issue.record("it is not sent") }
        let caller = RechargeCaller(gateway: bos, calibrator: calibrator, enquiresBy: .reference)
        _ = await caller.send(permit, for: machine, options: CallOptions(traceparent: nil, timeout: .seconds(1)))
        var next = Self.recharge
        next.reference = "R2"
        calibrator.recordExecution(of: next, bosReference: nil)
        #expect(await Self.run(calibrator).findsRecharges)
        #expect(bos.calls.enquiries == [bosReference == "R9" ? "R2" : "R1"])
    }

    @Test("begins with a recharge that an earlier worker sent to the same API")
    func fromLedger() async {
        let fixture = EngineFixture()
        await fixture.handle(EngineFixture.recharge())
        let calibrator = Self.calibrator(Self.bos([.found(.succeeded, ScriptedBOS.answer, Self.subject)]), ledger: fixture.ledger)
        #expect(await Self.run(calibrator).findsRecharges)
    }

    @Test("begins with one recharge of each merchant that has doubts, and no others")
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
        let calibrator = Self.calibrator(bos, ledger: fixture.ledger)
        let running = Task { await calibrator.run() }
        while !["m-2", "m-3"].allSatisfy({ calibrator.calibration(of: $0).findsRecharges }), !Task.isCancelled { await Task.yield() }
        running.cancel()
        await running.value
        #expect(Set(bos.calls.enquiries) == ["R2", "R3"])
        #expect(calibrator.calibration(of: "m-1") == .untried)
    }

    @Test("is measured again with the next executed recharge once it is old, and counts until then")
    func measuredAgain() async {
        let clock = ManualClock()
        let bos = Self.bos([.found(.succeeded, ScriptedBOS.answer, Self.subject)])
        let calibrator = Self.calibrator(bos, clock: clock)
        let running = Task { await calibrator.run() }
        calibrator.recordExecution(of: Self.recharge, bosReference: nil)
        while calibrator.calibration(of: "merchant") == .untried, !Task.isCancelled { await Task.yield() }
        #expect(calibrator.calibration(of: "merchant").findsRecharges)
        var script = ScriptedBOS.Script()
        script.enquiries = [.found(.notFound, ScriptedBOS.answer)]
        bos.play(script)
        clock.advance(by: EnquiryCalibrator.lifetime)
        #expect(calibrator.calibration(of: "merchant").findsRecharges)
        calibrator.recordExecution(of: Self.recharge, bosReference: nil)
        while calibrator.calibration(of: "merchant").findsRecharges, !Task.isCancelled { await Task.yield() }
        #expect(calibrator.calibration(of: "merchant") == .blind)
        running.cancel()
        await running.value
    }

    @Test("is forgotten for the merchant that was measured longest ago, when there are too many")
    func oldestMerchantForgotten() {
        let clock = ManualClock()
        let calibrator = Self.calibrator(Self.bos([]), clock: clock)
        for number in 0...256 {
            calibrator.conclude(.blind, for: .init(registerID: "m-\(number)", name: .reference), isCertain: true)
            clock.advance(by: .seconds(1))
        }
        #expect(calibrator.calibration(of: "m-0") == .untried)
        for number in 1...256 { #expect(calibrator.calibration(of: "m-\(number)") == .blind) }
    }

    @Test("begins with the recharge that a run has just executed")
    func runReportsExecutions() async throws {
        let fixture = EngineFixture()
        fixture.calibrator.conclude(.untried, for: .init(registerID: "merchant", name: .reference), isCertain: true)
        await fixture.handle(EngineFixture.recharge())
        let running = Task { await fixture.calibrator.run() }
        while !fixture.calibrator.calibration(of: "merchant").findsRecharges, !Task.isCancelled { await Task.yield() }
        running.cancel()
        await running.value
        #expect(fixture.bos.calls.enquiries == ["R1"])
    }
}
