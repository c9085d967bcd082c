import AMQP
import JobModel
import Ledger
import Synchronization
import Testing

@testable import JobEngine

@Suite("One recharge at a time", .timeLimit(.minutes(1)))
struct TrialTests {
    /// Records the flows that the gate has requested.
    private final class Flows: Sendable {
        private let flows = Mutex<[ConsumptionGate.Flow]>([])

        var last: ConsumptionGate.Flow? { flows.withLock { $0.last } }

        /// The flow after the first trial.
        var afterTrial: ConsumptionGate.Flow? { flows.withLock { $0.drop { $0 != .trial }.dropFirst().first } }

        func watch(_ gate: ConsumptionGate) async { await gate.setSwitch { flow in self.flows.withLock { $0.append(flow) } } }
    }

    private static func script(_ event: RechargeMachine.Event) -> ScriptedBOS.Script {
        var script = ScriptedBOS.Script()
        script.recharges = [event]
        script.enquiries = [.found(.notFound, ScriptedBOS.answer)]
        return script
    }

    private static let refused = RechargeMachine.Event.answered(
        .refused(isFinal: false), Answer(httpStatus: 200, responseCode: 6, status: false, message: "try later"))

    private static func running(_ fixture: EngineFixture) -> Task<Void, Never> {
        Task { await fixture.gate.run { await fixture.probe.check($0, in: fixture.lanes.money) } }
    }

    private static func waitForTrial(_ fixture: EngineFixture) async {
        while !fixture.gate.offersTrial, !Task.isCancelled { await Task.yield() }
    }

    @Test("on \"not now\" the job waits unsent, others stay in their queue, one job at a time is tried, and no job fails")
    func notNowPausesRecharges() async throws {
        let fixture = EngineFixture(Self.script(.notTaken(.postponed)))
        let flows = Flows()
        await flows.watch(fixture.gate)
        #expect(await fixture.handle(EngineFixture.recharge("R1")) == .ack)
        #expect(fixture.gate.pauses[.postponed] != nil)
        #expect(await fixture.handle(EngineFixture.recharge("R2")) == .requeue)
        let gate = Self.running(fixture)
        await Self.waitForTrial(fixture)
        // The gate offers the trial before it switches the consumers.
        while flows.last == .stopped, !Task.isCancelled { await Task.yield() }
        #expect(flows.last == .trial)
        // A trial lets no other job through. After a trial that gets "not now" again, no consumer goes on.
        var trial = Self.script(.notTaken(.postponed))
        trial.duringRecharge = { _ in #expect(await fixture.handle(EngineFixture.recharge("R4")) == .requeue) }
        fixture.bos.play(trial)
        #expect(await fixture.handle(EngineFixture.recharge("R3")) == .ack)
        #expect(flows.afterTrial == .stopped)
        fixture.bos.play(ScriptedBOS.Script())
        await Self.waitForTrial(fixture)
        #expect(await fixture.handle(EngineFixture.recharge("R5")) == .ack)
        while !fixture.gate.isOpen, !Task.isCancelled { await Task.yield() }
        #expect(await fixture.handle(EngineFixture.recharge("R6")) == .ack)
        gate.cancel()
        await gate.value
        #expect(flows.last == .running)
        #expect(fixture.bos.calls.recharges == ["R1", "R3", "R5", "R6"])
        for reference in ["R1", "R3"] {
            let record = try #require(try await fixture.record(reference))
            #expect(record.progress.state == .accepted)
            #expect(record.progress.attempts == 0)
            #expect(record.progress.waitReason == .postponed)
        }
        #expect(fixture.replies.map { $0.text("outcome") } == ["succeeded", "succeeded"])
    }

    @Test("a job that waits for a slot while the gate closes is not sent, and returns to its queue")
    func waitingJobMeetsClosedGate() async {
        let fixture = EngineFixture(lane: Lane.Configuration(concurrency: 1))
        let lane = fixture.lanes.money
        fixture.clock.holdSleeps()
        var script = Self.script(.notTaken(.postponed))
        script.duringRecharge = { _ in while lane.waiting == 0, !Task.isCancelled { await Task.yield() } }
        fixture.bos.play(script)
        async let first = fixture.handle(EngineFixture.recharge("R1"))
        while fixture.bos.calls.recharges.isEmpty, !Task.isCancelled { await Task.yield() }
        #expect(await fixture.handle(EngineFixture.recharge("R2")) == .requeue)
        #expect(await first == .ack)
        #expect(fixture.bos.calls.recharges == ["R1"])
    }

    @Test("a copy that waits for a run is not sent if the run has closed the gate, and returns to its queue")
    func waitingCopyMeetsClosedGate() async {
        let fixture = EngineFixture()
        var copy = SentMessage(body: EngineFixture.recharge("R1"))
        copy.isRedelivered = true
        var script = ScriptedBOS.Script.refusingAll
        script.duringRecharge = { _ in while fixture.ledger.claims < 2, !Task.isCancelled { await Task.yield() } }
        fixture.bos.play(script)
        async let first = fixture.handle(EngineFixture.recharge("R1"))
        while fixture.bos.calls.recharges.isEmpty, !Task.isCancelled { await Task.yield() }
        #expect(await fixture.handle(copy) == .requeue)
        #expect(await first == .requeue)
        #expect(fixture.bos.calls.recharges == ["R1"])
    }

    @Test("after a trial whose job ends without a call, the next job is tried at once")
    func expiredJobsCostNoPause() async throws {
        let fixture = EngineFixture(Self.script(.notTaken(.postponed)))
        await fixture.handle(EngineFixture.recharge("R1"))
        let gate = Self.running(fixture)
        await Self.waitForTrial(fixture)
        fixture.bos.play(ScriptedBOS.Script())
        let before = fixture.clock.uptime()
        for number in 1...100 {
            #expect(await fixture.handle(EngineFixture.recharge("E\(number)", expiresAt: "2020-01-01T00:00:00Z")) == .ack)
            #expect(fixture.gate.offersTrial)
        }
        #expect(fixture.clock.uptime() == before)
        #expect(await fixture.handle(EngineFixture.recharge("R2")) == .ack)
        while !fixture.gate.isOpen, !Task.isCancelled { await Task.yield() }
        gate.cancel()
        await gate.value
        #expect(fixture.bos.calls.recharges == ["R1", "R2"])
    }

    @Test("when BOS refuses nearly all recharges with one code, one is tried after each interval until BOS answers otherwise")
    func oneRefusalCodePausesRecharges() async throws {
        var configuration = Lane.Configuration(concurrency: 64)
        configuration.refusals.interval = .seconds(1_000)
        let fixture = EngineFixture(Self.script(Self.refused), lane: configuration)
        for number in 1..<20 {
            #expect(await fixture.handle(EngineFixture.recharge("R\(number)")) == .ack)
            #expect(fixture.gate.pauses[.refusals] == nil)
        }
        #expect(await fixture.handle(EngineFixture.recharge("R20")) == .ack)
        #expect(fixture.gate.pauses[.refusals] != nil)
        #expect(await fixture.handle(EngineFixture.recharge("R21")) == .requeue)
        let before = fixture.clock.uptime()
        let gate = Self.running(fixture)
        await Self.waitForTrial(fixture)
        #expect(fixture.clock.uptime() - before >= .seconds(900))
        #expect(await fixture.handle(EngineFixture.recharge("R22")) == .ack)
        #expect(!fixture.gate.isOpen)
        fixture.bos.play(ScriptedBOS.Script())
        await Self.waitForTrial(fixture)
        #expect(await fixture.handle(EngineFixture.recharge("R23")) == .ack)
        while !fixture.gate.isOpen, !Task.isCancelled { await Task.yield() }
        gate.cancel()
        await gate.value
        #expect(fixture.bos.calls.recharges.count == 22)
        #expect(fixture.replies.filter { $0.text("outcome") == "failed" }.isEmpty)
    }

    @Test("refusals with various codes, or too few with one code, pause nothing", arguments: [0.0, 0.9])
    func variousRefusals(share: Double) {
        var configuration = RefusalWatch.Configuration()
        configuration.share = share
        var watch = RefusalWatch(configuration)
        for round in 0..<100 {
            for code in [6, 6, 6, 6, 6, 6, 6, 6, share == 0 ? 6 : 7, nil] {
                let hasChanged = watch.record(refusal: code, at: .seconds(round))
                #expect(!hasChanged)
            }
        }
        #expect(watch.refusedWith == nil)
    }

    @Test("a pause that BOS asks for applies to the whole lane, and ends by itself")
    func throttlingPausesLane() async {
        let fixture = EngineFixture(Self.script(.notTaken(.throttled(retryAfter: .seconds(600)))))
        #expect(await fixture.handle(EngineFixture.recharge("R1")) == .ack)
        #expect(fixture.gate.pauses[.throttled] != nil)
        #expect(fixture.lanes.questions.gate.isOpen)
        #expect(await fixture.handle(EngineFixture.recharge("R2")) == .requeue)
        let before = fixture.clock.uptime()
        let gate = Self.running(fixture)
        while !fixture.gate.isOpen, !Task.isCancelled { await Task.yield() }
        gate.cancel()
        await gate.value
        #expect(fixture.clock.uptime() - before >= .seconds(590))
        #expect(fixture.bos.calls.recharges == ["R1"])
    }

    @Test("another reason to pause ends a trial, and no job is let through then")
    func otherReasonEndsTrial() async {
        let fixture = EngineFixture(Self.script(.notTaken(.postponed)))
        await fixture.handle(EngineFixture.recharge("R1"))
        let gate = Self.running(fixture)
        await Self.waitForTrial(fixture)
        fixture.ledger.failChecks(1_000_000)
        await fixture.gate.close(.ledger, detail: "test")
        while fixture.gate.offersTrial, !Task.isCancelled { await Task.yield() }
        #expect(await fixture.handle(EngineFixture.recharge("R2")) == .requeue)
        fixture.ledger.failChecks(0)
        await Self.waitForTrial(fixture)
        gate.cancel()
        await gate.value
    }
}
