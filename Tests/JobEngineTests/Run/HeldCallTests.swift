import AMQP
import JobModel
import Ledger
import Testing

@testable import JobEngine

@Suite("A call that is held back", .timeLimit(.minutes(1)))
struct HeldCallTests {
    @Test("for the rate does not wait in a task that is cancelled: the job waits in the ledger instead")
    func cancelled() async {
        let fixture = EngineFixture()
        let gateway = RateLimitedBOS(
            fixture.bos, lanes: fixture.lanes, ratePerSecond: 1, merchant: KnownMerchant(configured: "merchant"), clock: fixture.clock)
        let call = CallOptions(traceparent: nil, timeout: .seconds(1))
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            var held = 0
            for _ in 0..<50 {
                let report = await gateway.enquire("R1", registerID: "merchant", call)
                if case .heldBack(.throttled, .some) = report.event { held += 1 }
            }
            return held
        }
        task.cancel()
        let held = await task.value
        #expect(held > 0)
        #expect(fixture.bos.calls.enquiries.count == 50 - held)
    }

    @Test("is counted neither as an attempt nor as an enquiry, in the ledger and in the reply", arguments: [false, true])
    func counters(isBreakerOpen: Bool) async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [.found(.notFound, ScriptedBOS.answer)]
        script.panAnswers = [.found(.pending, ScriptedBOS.answer)]
        let fixture = EngineFixture(script)
        await fixture.handle(EngineFixture.recharge())
        await fixture.handle("{\"refid\":\"P1\"}", kind: "pan.status")
        let asked = fixture.bos.calls.enquiries.count
        try await Self.hold(fixture, isBreakerOpen: isBreakerOpen)
        fixture.clock.advance(by: .seconds(600))
        // The gate keeps deliveries away, so that only a run that is under way meets a call that is held back.
        let question = RechargeStatusCaller(
            gateway: fixture.executor.context.gateway, calibrator: fixture.calibrator, ledger: fixture.ledger, enquiresBy: .reference)
        var machine = RechargeStatusMachine(
            RechargeStatusQuery(reference: "R9", registerID: "merchant"), acceptedAt: fixture.clock.now(), policy: EngineFixture.policy)
        _ = machine.wake(at: fixture.clock.moment, jitter: 0)
        let call = CallOptions(traceparent: nil, timeout: .seconds(1))
        _ = machine.on(await question.ask(for: machine, call).event, at: fixture.clock.moment, jitter: 0)
        #expect(machine.progress.attempts == 0)
        let record = try #require(try await fixture.record())
        #expect(record.progress.enquiries == asked)
        var recharge = RechargeMachine(
            Self.recharge(record), acceptedAt: record.acceptedAt, record.progress, policy: EngineFixture.policy)
        _ = recharge.wake(at: fixture.clock.moment, jitter: 0)
        let caller = RechargeCaller(gateway: fixture.executor.context.gateway, calibrator: fixture.calibrator, enquiresBy: .reference)
        _ = recharge.on(await caller.ask(for: recharge, call).event, at: fixture.clock.moment, jitter: 0)
        #expect(recharge.progress.enquiries == asked)
        var pan = PANStatusMachine(PANStatusQuery(reference: "P1"), acceptedAt: fixture.clock.now(), policy: EngineFixture.policy)
        _ = pan.wake(at: fixture.clock.moment, jitter: 0)
        let panCaller = PANStatusCaller(gateway: fixture.executor.context.gateway)
        _ = pan.on(await panCaller.ask(for: pan, call).event, at: fixture.clock.moment, jitter: 0)
        #expect(pan.progress.attempts == 0)
        #expect(fixture.bos.calls.enquiries.count == asked)
    }

    private static func recharge(_ record: JobRecord) -> Recharge {
        guard case .recharge(let recharge) = record.job else { preconditionFailure("it is a recharge") }
        return recharge
    }

    /// From now on no question is let through, because of the breaker or because BOS has asked for a pause.
    private static func hold(_ fixture: EngineFixture, isBreakerOpen: Bool) async throws {
        let lane = fixture.lanes.questions
        guard isBreakerOpen else {
            let outcome = CallOutcome(quality: .throttled, retryAfter: .seconds(3_600))
            return await lane.record(outcome, startedAt: fixture.clock.uptime(), note: "test")
        }
        while lane.breakerState == .closed {
            await lane.record(CallOutcome(quality: .failed), startedAt: fixture.clock.uptime(), note: "test")
        }
    }

    @Test("because the process ends is no enquiry")
    func drained() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        let fixture = EngineFixture(script)
        script.duringRecharge = { _ in fixture.drain.drain() }
        fixture.bos.play(script)
        #expect(await fixture.handle(EngineFixture.recharge()) == .requeue)
        let progress = try #require(try await fixture.record()).progress
        #expect(progress.state == .inDoubt)
        #expect(progress.attempts == 1)
        #expect(progress.enquiries == 0)
        #expect(fixture.bos.calls.enquiries.isEmpty)
    }
}
