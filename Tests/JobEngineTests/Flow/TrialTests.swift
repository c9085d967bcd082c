import AMQP
import JobModel
import Ledger
import Synchronization
import Testing

@testable import JobEngine

@Suite("One recharge at a time", .timeLimit(.minutes(1)))
struct TrialTests {
    /// The flows that the gate has asked for so far.
    private final class Flows: Sendable {
        private let flows = Mutex<[ConsumptionGate.Flow]>([])

        var last: ConsumptionGate.Flow? { flows.withLock { $0.last } }

        /// What followed the first trial.
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

    private static func running(_ workshop: Workshop) -> Task<Void, Never> {
        Task { await workshop.gate.run { await workshop.probe.look(at: $0, in: workshop.lanes.money) } }
    }

    private static func waitForTrial(_ workshop: Workshop) async {
        while !workshop.gate.offersTrial, !Task.isCancelled { await Task.yield() }
    }

    @Test("\"not now\" pauses recharges: the job waits unsent, others stay in their queue, one at a time tries, and none fails")
    func postponed() async throws {
        let workshop = Workshop(Self.script(.notTaken(.postponed)))
        let flows = Flows()
        await flows.watch(workshop.gate)
        #expect(await workshop.handle(Workshop.recharge("R1")) == .ack)
        #expect(workshop.gate.pauses[.postponed] != nil)
        #expect(await workshop.handle(Workshop.recharge("R2")) == .requeue)
        let gate = Self.running(workshop)
        await Self.waitForTrial(workshop)
        // The trial is offered before the consumers have been switched.
        while flows.last == .stopped, !Task.isCancelled { await Task.yield() }
        #expect(flows.last == .trial)
        // A trial lets no other job through, and no consumer goes on after one that meets "not now" again.
        var trial = Self.script(.notTaken(.postponed))
        trial.duringRecharge = { _ in #expect(await workshop.handle(Workshop.recharge("R4")) == .requeue) }
        workshop.bos.play(trial)
        #expect(await workshop.handle(Workshop.recharge("R3")) == .ack)
        #expect(flows.afterTrial == .stopped)
        workshop.bos.play(ScriptedBOS.Script())
        await Self.waitForTrial(workshop)
        #expect(await workshop.handle(Workshop.recharge("R5")) == .ack)
        while !workshop.gate.isOpen, !Task.isCancelled { await Task.yield() }
        #expect(await workshop.handle(Workshop.recharge("R6")) == .ack)
        gate.cancel()
        await gate.value
        #expect(flows.last == .running)
        #expect(workshop.bos.calls.recharges == ["R1", "R3", "R5", "R6"])
        for reference in ["R1", "R3"] {
            let record = try #require(try await workshop.record(reference))
            #expect(record.progress.state == .accepted)
            #expect(record.progress.attempts == 0)
            #expect(record.progress.waitReason == .postponed)
        }
        #expect(workshop.replies.map { $0.text("outcome") } == ["succeeded", "succeeded"])
    }

    @Test("a trial whose job is over without a call costs no pause: the next job is tried at once")
    func expiredInFront() async throws {
        let workshop = Workshop(Self.script(.notTaken(.postponed)))
        await workshop.handle(Workshop.recharge("R1"))
        let gate = Self.running(workshop)
        await Self.waitForTrial(workshop)
        workshop.bos.play(ScriptedBOS.Script())
        let before = workshop.clock.uptime()
        for number in 1...100 {
            #expect(await workshop.handle(Workshop.recharge("E\(number)", expiresAt: "2020-01-01T00:00:00Z")) == .ack)
            #expect(workshop.gate.offersTrial)
        }
        #expect(workshop.clock.uptime() == before)
        #expect(await workshop.handle(Workshop.recharge("R2")) == .ack)
        while !workshop.gate.isOpen, !Task.isCancelled { await Task.yield() }
        gate.cancel()
        await gate.value
        #expect(workshop.bos.calls.recharges == ["R1", "R2"])
    }

    @Test("when nearly all recharges are refused with one code, one is tried after each interval until BOS answers otherwise")
    func refusals() async throws {
        var configuration = Lane.Configuration(concurrency: 64)
        configuration.refusals.interval = .seconds(1_000)
        let workshop = Workshop(Self.script(Self.refused), lane: configuration)
        for number in 1..<20 {
            #expect(await workshop.handle(Workshop.recharge("R\(number)")) == .ack)
            #expect(workshop.gate.pauses[.refusals] == nil)
        }
        #expect(await workshop.handle(Workshop.recharge("R20")) == .ack)
        #expect(workshop.gate.pauses[.refusals] != nil)
        #expect(await workshop.handle(Workshop.recharge("R21")) == .requeue)
        let before = workshop.clock.uptime()
        let gate = Self.running(workshop)
        await Self.waitForTrial(workshop)
        #expect(workshop.clock.uptime() - before >= .seconds(900))
        #expect(await workshop.handle(Workshop.recharge("R22")) == .ack)
        #expect(!workshop.gate.isOpen)
        workshop.bos.play(ScriptedBOS.Script())
        await Self.waitForTrial(workshop)
        #expect(await workshop.handle(Workshop.recharge("R23")) == .ack)
        while !workshop.gate.isOpen, !Task.isCancelled { await Task.yield() }
        gate.cancel()
        await gate.value
        #expect(workshop.bos.calls.recharges.count == 22)
        #expect(workshop.replies.filter { $0.text("outcome") == "failed" }.isEmpty)
    }

    @Test("refusals of many kinds, or too few of one kind, slow nothing down", arguments: [0.0, 0.9])
    func variety(share: Double) {
        var configuration = RefusalWatch.Configuration()
        configuration.share = share
        var watch = RefusalWatch(configuration)
        for round in 0..<100 {
            for code in [6, 6, 6, 6, 6, 6, 6, 6, share == 0 ? 6 : 7, nil] {
                let isNews = watch.record(refusal: code, at: .seconds(round))
                #expect(!isNews)
            }
        }
        #expect(watch.refusedWith == nil)
    }

    @Test("a pause that BOS asks for holds for the whole lane, and ends by itself")
    func throttled() async {
        let workshop = Workshop(Self.script(.notTaken(.throttled(retryAfter: .seconds(600)))))
        #expect(await workshop.handle(Workshop.recharge("R1")) == .ack)
        #expect(workshop.gate.pauses[.throttled] != nil)
        #expect(workshop.lanes.questions.gate.isOpen)
        #expect(await workshop.handle(Workshop.recharge("R2")) == .requeue)
        let before = workshop.clock.uptime()
        let gate = Self.running(workshop)
        while !workshop.gate.isOpen, !Task.isCancelled { await Task.yield() }
        gate.cancel()
        await gate.value
        #expect(workshop.clock.uptime() - before >= .seconds(590))
        #expect(workshop.bos.calls.recharges == ["R1"])
    }

    @Test("a trial ends when another reason to pause comes, and lets no job through then")
    func otherReason() async {
        let workshop = Workshop(Self.script(.notTaken(.postponed)))
        await workshop.handle(Workshop.recharge("R1"))
        let gate = Self.running(workshop)
        await Self.waitForTrial(workshop)
        workshop.ledger.failChecks(1_000_000)
        await workshop.gate.close(.ledger, "test")
        while workshop.gate.offersTrial, !Task.isCancelled { await Task.yield() }
        #expect(await workshop.handle(Workshop.recharge("R2")) == .requeue)
        workshop.ledger.failChecks(0)
        await Self.waitForTrial(workshop)
        gate.cancel()
        await gate.value
    }
}
