import AMQP
import JobModel
import Ledger
import Testing

@testable import JobEngine

@Suite("A call that the worker holds back", .timeLimit(.minutes(1)))
struct HeldCallTests {
    @Test("by the rate limit does not wait in a cancelled task: its job waits in the ledger instead")
    func cancelledTaskDoesNotWait() async {
        let fixture = EngineFixture()
        let gateway = RateLimitedBOS(
            fixture.bos, lanes: fixture.lanes, ratePerSecond: 1, merchant: KnownMerchant(configured: "merchant"), clock: fixture.clock)
        let options = CallOptions(traceparent: nil, timeout: .seconds(1))
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            var held = 0
            for _ in 0..<50 {
                let report = await gateway.enquire("R1", registerID: "merchant", options: options)
                if case .deferred(.throttled, .some) = report.event { held += 1 }
            }
            return held
        }
        task.cancel()
        let held = await task.value
        #expect(held > 0)
        #expect(fixture.bos.calls.enquiries.count == 50 - held)
    }

    @Test("counts neither as an attempt nor as an enquiry, in the ledger and in the reply", arguments: [false, true])
    func heldCallsAreNotCounted(isBreakerOpen: Bool) async throws {
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
        // The gate admits no deliveries, so only a run that is under way can meet a held call.
        let question = RechargeStatusCaller(
            gateway: fixture.executor.context.gateway, calibrator: fixture.calibrator, ledger: fixture.ledger, enquiresBy: .reference)
        var machine = RechargeStatusMachine(
            RechargeStatusQuery(reference: "R9", registerID: "merchant"), acceptedAt: fixture.clock.now(), policy: EngineFixture.policy)
        _ = machine.wake(at: fixture.clock.moment, jitter: 0)
        let options = CallOptions(traceparent: nil, timeout: .seconds(1))
        _ = machine.on(await question.enquire(for: machine, options: options).event, at: fixture.clock.moment, jitter: 0)
        #expect(machine.progress.attempts == 0)
        let record = try #require(try await fixture.record())
        #expect(record.progress.enquiries == asked)
        var recharge = RechargeMachine(
            Self.recharge(record), acceptedAt: record.acceptedAt, progress: record.progress, policy: EngineFixture.policy)
        _ = recharge.wake(at: fixture.clock.moment, jitter: 0)
        let caller = RechargeCaller(gateway: fixture.executor.context.gateway, calibrator: fixture.calibrator, enquiresBy: .reference)
        _ = recharge.on(await caller.enquire(for: recharge, options: options).event, at: fixture.clock.moment, jitter: 0)
        #expect(recharge.progress.enquiries == asked)
        var pan = PANStatusMachine(PANStatusQuery(reference: "P1"), acceptedAt: fixture.clock.now(), policy: EngineFixture.policy)
        _ = pan.wake(at: fixture.clock.moment, jitter: 0)
        let panCaller = PANStatusCaller(gateway: fixture.executor.context.gateway)
        _ = pan.on(await panCaller.enquire(for: pan, options: options).event, at: fixture.clock.moment, jitter: 0)
        #expect(pan.progress.attempts == 0)
        #expect(fixture.bos.calls.enquiries.count == asked)
    }

    private static func recharge(_ record: JobRecord) -> Recharge {
        guard case .recharge(let recharge) = record.job else { preconditionFailure("it is a recharge") }
        return recharge
    }

    /// From now on no query is sent, because the breaker is open or because BOS asked for a pause.
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

    @Test("because the process ends does not count as an enquiry")
    func drainedEnquiryIsNotCounted() async throws {
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
