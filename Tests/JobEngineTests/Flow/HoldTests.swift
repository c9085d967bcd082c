import AMQP
import InMemoryLogging
import JobModel
import Ledger
import Logging
import Synchronization
import Testing

@testable import JobEngine

@Suite("A lane that an operator holds", .timeLimit(.minutes(1)))
struct HoldTests {
    private static let hold = LaneHold(
        since: Timestamp(milliseconds: 1_794_000_000_000), user: "asha", host: "pay-1", reason: "BOS asks for it")

    private static func watch(_ fixture: EngineFixture) -> HoldWatch {
        HoldWatch(ledger: fixture.ledger, lanes: fixture.lanes, clock: fixture.clock)
    }

    /// An operator holds the lane, and the worker has read it.
    private static func hold(_ lane: JobLane = .money, in fixture: EngineFixture) async throws {
        try await fixture.ledger.setHold(hold, of: lane)
        await watch(fixture).read()
    }

    private static func resume(_ lane: JobLane = .money, in fixture: EngineFixture) async throws {
        try await fixture.ledger.setHold(nil, of: lane)
        await watch(fixture).read()
    }

    private static func running(
        _ fixture: EngineFixture, probe: @escaping ConsumptionGate.Probe
    ) -> Task<Void, Never> {
        Task { await fixture.gate.run(probe: probe) }
    }

    @Test("takes no job and says who holds it, since when and why; the other lane goes on, and no time passes from its end to the next job")
    func takesNoJob() async throws {
        let fixture = EngineFixture()
        try await Self.hold(in: fixture)
        #expect(
            fixture.gate.pauses == [.operatorHold: "held by asha at pay-1 since 2026-11-06T21:20:00.000Z: BOS asks for it"])
        #expect(fixture.gate.standing[.operatorHold]?.since == Self.hold.since)
        let gate = Self.running(fixture) { _ in .passed }
        #expect(await fixture.handle(EngineFixture.recharge()) == .requeue)
        #expect(await fixture.handle("{\"refid\":\"P1\"}", kind: "pan.status") == .ack)
        #expect(fixture.bos.calls.recharges.isEmpty)
        #expect(try await fixture.record() == nil)
        let before = fixture.clock.uptime()
        try await Self.resume(in: fixture)
        while !fixture.gate.isOpen, !Task.isCancelled { await Task.yield() }
        #expect(await fixture.handle(EngineFixture.recharge()) == .ack)
        #expect(fixture.clock.uptime() == before)
        gate.cancel()
        await gate.value
        #expect(fixture.bos.calls.recharges == ["R1"])
    }

    @Test("is not opened by a probe, and gets no trial, whatever else stands; after the hold the other reason gets its trial")
    func getsNoTrial() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.postponed), .answered(.done, ScriptedBOS.answer)]
        let fixture = EngineFixture(script)
        await fixture.handle(EngineFixture.recharge("R1"))
        try await Self.hold(in: fixture)
        let probes = Mutex<[PauseReason]>([])
        let gate = Self.running(fixture) { reason in
            probes.withLock { $0.append(reason) }
            return reason == .postponed ? .triesJob : .passed
        }
        while probes.withLock({ $0.count }) < 20, !Task.isCancelled {
            #expect(!fixture.gate.offersTrial)
            await Task.yield()
        }
        #expect(fixture.gate.isHeld)
        #expect(probes.withLock { Set($0) } == [.postponed])
        #expect(await fixture.probe.check(.operatorHold, in: fixture.lanes.money) == .stands)
        #expect(await fixture.handle(EngineFixture.recharge("R2")) == .requeue)
        try await Self.resume(in: fixture)
        while !fixture.gate.offersTrial, !Task.isCancelled { await Task.yield() }
        #expect(await fixture.handle(EngineFixture.recharge("R3")) == .ack)
        gate.cancel()
        await gate.value
        #expect(fixture.bos.calls.recharges == ["R1", "R3"])
    }

    @Test("ends the trial that was offered, and the one that was let through and has not begun")
    func endsTrial() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.postponed)]
        let fixture = EngineFixture(script)
        await fixture.handle(EngineFixture.recharge("R1"))
        let gate = Self.running(fixture) { await fixture.probe.check($0, in: fixture.lanes.money) }
        while !fixture.gate.offersTrial, !Task.isCancelled { await Task.yield() }
        try await Self.hold(in: fixture)
        #expect(!fixture.gate.offersTrial)
        #expect(await fixture.handle(EngineFixture.recharge("R2")) == .requeue)
        try await Self.resume(in: fixture)
        while !fixture.gate.offersTrial, !Task.isCancelled { await Task.yield() }
        let trial = try #require(fixture.gate.admit())
        #expect(fixture.gate.admits(trial))
        try await Self.hold(in: fixture)
        #expect(!fixture.gate.admits(trial))
        gate.cancel()
        await gate.value
        #expect(fixture.bos.calls.recharges == ["R1"])
    }

    @Test("sends nothing more of a run that waits for its next attempt: its job waits in the ledger, and no attempt is counted")
    func runThatWaits() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.notSent), .answered(.done, ScriptedBOS.answer)]
        let fixture = EngineFixture(script)
        script.duringRecharge = { _ in try? await Self.hold(in: fixture) }
        fixture.bos.play(script)
        #expect(await fixture.handle(EngineFixture.recharge()) == .ack)
        let progress = try #require(try await fixture.record()).progress
        #expect(fixture.bos.calls.recharges == ["R1"])
        #expect(progress.state == .accepted)
        #expect(progress.attempts == 1)
        #expect(progress.waitReason == .operatorHold)
        #expect(progress.dueAt != nil)
        fixture.clock.advance(by: .seconds(60))
        #expect(try await fixture.poll().isEmpty)
        try await Self.resume(in: fixture)
        let gate = Self.running(fixture) { _ in .stands }
        while !fixture.gate.isOpen, !Task.isCancelled { await Task.yield() }
        #expect(try await fixture.poll() == [.ack])
        #expect(fixture.bos.calls.recharges == ["R1", "R1"])
        #expect(try await fixture.record()?.progress.state == .succeeded)
        gate.cancel()
        await gate.value
    }

    @Test("sends nothing more of a call that waits for the rate, or for what the client needs before the request leaves")
    func callThatWaits() async throws {
        for beforeLeaving in [false, true] {
            let fixture = EngineFixture()
            let hold: @Sendable () async -> Void = { await fixture.gate.hold("test", since: nil) }
            let bos = LateBOS { if beforeLeaving { await hold() } }
            let gateway = RateLimitedBOS(
                bos, lanes: fixture.lanes, ratePerSecond: 1, merchant: KnownMerchant(configured: "merchant"),
                clock: SleepHookClock { if !beforeLeaving { await hold() } })
            let options = CallOptions(traceparent: nil, timeout: .seconds(1))
            // Uses up the rate of this second.
            _ = await gateway.enquire("R0", registerID: "merchant", options: options)
            let caller = RechargeCaller(gateway: gateway, calibrator: fixture.calibrator, enquiresBy: .reference)
            var machine = RechargeMachine(
                Recharge(operatorID: 311, subscriber: "9876543210", amount: Money(paise: 100), reference: "R1", registerID: "merchant"),
                acceptedAt: fixture.clock.now(), policy: EngineFixture.policy)
            guard case .send(let permit) = machine.wake(at: fixture.clock.moment, jitter: 0) else { preconditionFailure("it is new") }
            let report = await caller.send(permit, for: machine, options: options)
            guard case .notTaken(.deferred(.operatorHold, nil)) = report.event else {
                Issue.record("\(report)")
                continue
            }
            #expect(bos.sent.withLock { $0 } == 0)
        }
    }

    @Test("of recharges lets doubts be asked about; what BOS does not know is sent again only after the hold, once")
    func doubtsAreAsked() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil), .answered(.done, ScriptedBOS.answer)]
        script.enquiries = [.found(.notFound, ScriptedBOS.answer)]
        let fixture = EngineFixture(script)
        script.duringRecharge = { _ in try? await Self.hold(in: fixture) }
        fixture.bos.play(script)
        await fixture.handle(EngineFixture.recharge())
        for _ in 0..<20 where try await fixture.record()?.progress.state == .inDoubt {
            fixture.clock.advance(by: .seconds(3_600))
            _ = try await fixture.poll()
        }
        #expect(fixture.bos.calls.enquiries.count > 1)
        #expect(fixture.bos.calls.recharges == ["R1"])
        #expect(try await fixture.record()?.progress.state == .accepted)
        #expect(try await fixture.record()?.progress.waitReason == .operatorHold)
        fixture.clock.advance(by: .seconds(3_600))
        #expect(try await fixture.poll().isEmpty)
        try await Self.resume(in: fixture)
        let gate = Self.running(fixture) { _ in .stands }
        while !fixture.gate.isOpen, !Task.isCancelled { await Task.yield() }
        #expect(try await fixture.poll() == [.ack])
        #expect(fixture.bos.calls.recharges == ["R1", "R1"])
        gate.cancel()
        await gate.value
    }

    @Test("keeps what was read last while the ledger cannot be read; before the first reading every lane is held")
    func unreadableLedger() async throws {
        let fixture = EngineFixture()
        let watch = Self.watch(fixture)
        fixture.ledger.failHolds(2)
        for _ in 0..<2 { await watch.read() }
        for lane in fixture.lanes.all {
            #expect(lane.gate.pauses[.operatorHold]?.hasPrefix("the ledger has not said since the start") == true)
        }
        await watch.read()
        for lane in fixture.lanes.all { #expect(!lane.gate.isHeld) }
        fixture.ledger.failHolds(1)
        await watch.read()
        for lane in fixture.lanes.all { #expect(!lane.gate.isHeld) }
        try await fixture.ledger.setHold(Self.hold, of: .questions)
        await watch.read()
        fixture.ledger.failHolds(1)
        await watch.read()
        #expect(fixture.lanes.questions.gate.isHeld)
        #expect(!fixture.lanes.money.gate.isHeld)
        #expect(watch.holds == [.questions: Self.hold])
    }

    @Test("is logged when it begins, when its reason changes, and when it ends while another reason stands")
    func isLogged() async throws {
        let log = InMemoryLogHandler()
        let fixture = EngineFixture(logger: Logger(label: "test") { _ in log })
        await fixture.gate.close(.bos, detail: "down")
        for _ in 0..<3 { try await Self.hold(in: fixture) }
        var other = Self.hold
        other.reason = "wallet moves"
        try await fixture.ledger.setHold(other, of: .money)
        await Self.watch(fixture).read()
        for _ in 0..<3 { try await Self.resume(in: fixture) }
        let events = log.entries.filter { $0.metadata["reason"] == "operator" }.map { $0.metadata["event"]?.description }
        #expect(events == ["consumption.paused", "consumption.reason_changed", "consumption.hold_ended"])
        #expect(fixture.gate.pauses == [.bos: "down"])
    }

    @Test("that was read before the consumers could be switched stops them when they can")
    func readBeforeSwitch() async throws {
        let fixture = EngineFixture()
        try await Self.hold(in: fixture)
        let flows = Mutex<[ConsumptionGate.Flow]>([])
        await fixture.gate.setSwitch { flow in flows.withLock { $0.append(flow) } }
        #expect(flows.withLock { $0 } == [.stopped])
    }
}

/// A BOS that needs some time before a request leaves, and checks then whether the request may still leave.
private final class LateBOS: BOSGateway {
    let sent = Mutex(0)
    private let beforeLeaving: @Sendable () async -> Void

    init(beforeLeaving: @escaping @Sendable () async -> Void) { self.beforeLeaving = beforeLeaving }

    func recharge(
        _ recharge: Recharge, permit: consuming RetryPermit, options: CallOptions
    ) async -> CallReport<RechargeMachine.Event> {
        await beforeLeaving()
        guard options.isTimely() else { return CallReport(.notTaken(.deferred(.late, retryAfter: nil)), note: "late") }
        sent.withLock { $0 += 1 }
        return CallReport(.answered(.done, ScriptedBOS.answer), note: "done")
    }

    func enquire(_ reference: String, registerID: String, options: CallOptions) async -> CallReport<Enquiry> {
        CallReport(.found(.notFound, ScriptedBOS.answer), note: "not found")
    }

    func panStatus(_ query: PANStatusQuery, options: CallOptions) async -> CallReport<PANStatusMachine.Event> {
        CallReport(.found(.pending, ScriptedBOS.answer), note: "pending")
    }

    func renewCredentials() async -> Bool { false }
}

/// A clock that advances with each sleep, and runs an action inside it.
private final class SleepHookClock: EngineClock {
    private let clock = ManualClock()
    private let action: @Sendable () async -> Void

    init(action: @escaping @Sendable () async -> Void) { self.action = action }

    func now() -> Timestamp { clock.now() }
    func uptime() -> Duration { clock.uptime() }
    func monotonic() -> BootTime { clock.monotonic() }
    func jitter() -> Double { clock.jitter() }
    func sleep(for duration: Duration) async {
        await action()
        await clock.sleep(for: duration)
    }
}
