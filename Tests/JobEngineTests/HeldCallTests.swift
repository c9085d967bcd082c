import AMQP
import JobModel
import Ledger
import Testing

@testable import JobEngine

@Suite("A call that is held back", .timeLimit(.minutes(1)))
struct HeldCallTests {
    @Test("for the rate does not wait in a task that is cancelled: the job waits in the ledger instead")
    func cancelled() async {
        let workshop = Workshop()
        let gateway = LimitedGateway(
            workshop.bos, lanes: workshop.lanes, ratePerSecond: 1, merchant: KnownMerchant(configured: "merchant"), clock: workshop.clock)
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
        #expect(workshop.bos.calls.enquiries.count == 50 - held)
    }

    @Test("is counted neither as an attempt nor as an enquiry, in the ledger and in the reply", arguments: [false, true])
    func counters(isBreakerOpen: Bool) async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [.found(.notFound, ScriptedBOS.answer)]
        script.panAnswers = [.found(.pending, ScriptedBOS.answer)]
        let workshop = Workshop(script)
        await workshop.handle(Workshop.recharge())
        await workshop.handle("{\"refid\":\"P1\"}", kind: "pan.status")
        let asked = workshop.bos.calls.enquiries.count
        try await Self.hold(workshop, isBreakerOpen)
        workshop.clock.advance(by: .seconds(600))
        // The gate keeps deliveries away, so that only a run that is under way meets a call that is held back.
        let question = RechargeStatusCaller(
            gateway: workshop.handler.gateway, calibrator: workshop.calibrator, ledger: workshop.ledger, enquiresBy: .reference)
        var machine = RechargeStatusMachine(
            RechargeStatusQuery(reference: "R9", registerID: "merchant"), acceptedAt: workshop.clock.now(), policy: Workshop.policy)
        _ = machine.wake(at: workshop.clock.moment, jitter: 0)
        let call = CallOptions(traceparent: nil, timeout: .seconds(1))
        _ = machine.on(await question.ask(machine, call).event, at: workshop.clock.moment, jitter: 0)
        #expect(machine.progress.attempts == 0)
        let record = try #require(try await workshop.record())
        #expect(record.progress.enquiries == asked)
        var recharge = RechargeMachine(
            Self.recharge(record), acceptedAt: record.acceptedAt, record.progress, policy: Workshop.policy)
        _ = recharge.wake(at: workshop.clock.moment, jitter: 0)
        let caller = RechargeCaller(gateway: workshop.handler.gateway, calibrator: workshop.calibrator, enquiresBy: .reference)
        _ = recharge.on(await caller.ask(recharge, call).event, at: workshop.clock.moment, jitter: 0)
        #expect(recharge.progress.enquiries == asked)
        var pan = PANStatusMachine(PANStatusQuery(reference: "P1"), acceptedAt: workshop.clock.now(), policy: Workshop.policy)
        _ = pan.wake(at: workshop.clock.moment, jitter: 0)
        let panCaller = PANStatusCaller(gateway: workshop.handler.gateway)
        _ = pan.on(await panCaller.ask(pan, call).event, at: workshop.clock.moment, jitter: 0)
        #expect(pan.progress.attempts == 0)
        #expect(workshop.bos.calls.enquiries.count == asked)
    }

    private static func recharge(_ record: JobRecord) -> Recharge {
        guard case .recharge(let recharge) = record.job else { preconditionFailure("it is a recharge") }
        return recharge
    }

    /// From now on no question is let through, because of the breaker or because BOS has asked for a pause.
    private static func hold(_ workshop: Workshop, _ isBreakerOpen: Bool) async throws {
        let lane = workshop.lanes.questions
        guard isBreakerOpen else {
            let outcome = CallOutcome(quality: .throttled, retryAfter: .seconds(3_600))
            return await lane.record(outcome, startedAt: workshop.clock.uptime(), note: "test")
        }
        while lane.breakerState == .closed {
            await lane.record(CallOutcome(quality: .failed), startedAt: workshop.clock.uptime(), note: "test")
        }
    }

    @Test("because the process ends is no enquiry")
    func drained() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        let workshop = Workshop(script)
        script.duringRecharge = { _ in workshop.drain.drain() }
        workshop.bos.play(script)
        #expect(await workshop.handle(Workshop.recharge()) == .requeue)
        let progress = try #require(try await workshop.record()).progress
        #expect(progress.state == .inDoubt)
        #expect(progress.attempts == 1)
        #expect(progress.enquiries == 0)
        #expect(workshop.bos.calls.enquiries.isEmpty)
    }
}
