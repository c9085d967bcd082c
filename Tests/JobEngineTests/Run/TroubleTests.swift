import AMQP
import ExactJSON
import JobModel
import Ledger
import LedgerKit
import Synchronization
import Testing

@testable import JobEngine

@Suite("Failures around a job", .timeLimit(.minutes(1)))
struct TroubleTests {
    @Test("while BOS refuses the credentials, no job fails: consumption pauses and the job returns to its queue")
    func refusedCredentialsPause() async throws {
        let script = ScriptedBOS.Script.refusingAll
        let fixture = EngineFixture(script)
        let settlement = await fixture.handle(EngineFixture.recharge())
        #expect(settlement == .requeue)
        #expect(fixture.gate.pauses[.credentials] != nil)
        #expect(fixture.broker.publications.isEmpty)
        #expect(try await fixture.record()?.progress.state == .accepted)
        #expect(await fixture.handle(EngineFixture.recharge("R2")) == .requeue)
        #expect(try await fixture.record("R2") == nil)
    }

    @Test("newer credentials are tried once before consumption pauses")
    func newerCredentialsTried() async {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.credentialsRefused), .answered(.done, ScriptedBOS.answer)]
        script.renewals = [true]
        let fixture = EngineFixture(script)
        #expect(await fixture.handle(EngineFixture.recharge()) == .ack)
        #expect(fixture.gate.isOpen)
        #expect(fixture.bos.calls.recharges == ["R1", "R1"])
    }

    @Test("a released job continues at its next delivery")
    func releasedJobContinues() async throws {
        let script = ScriptedBOS.Script.refusingAll
        let fixture = EngineFixture(script)
        await fixture.handle(EngineFixture.recharge())
        fixture.bos.play(ScriptedBOS.Script())
        let probe = fixture.probe
        let running = Task { await fixture.gate.run { reason in await probe.check(reason, in: fixture.lanes.money) } }
        while !fixture.gate.isOpen, !Task.isCancelled { await Task.yield() }
        running.cancel()
        await running.value
        #expect(await fixture.handle(EngineFixture.recharge()) == .ack)
        #expect(fixture.replies.map { $0.text("outcome") } == ["succeeded"])
    }

    @Test("a probe whose result says nothing about credentials does not end the pause for credentials", arguments: WaitReason.allCases)
    func credentialsProbe(reason: WaitReason) async {
        var script = ScriptedBOS.Script()
        script.probe = .unanswered(reason, retryAfter: nil)
        let fixture = EngineFixture(script)
        let probe = fixture.probe
        let saysNothing: [WaitReason] = [.credentialsRefused, .notSent, .throttled]
        #expect(await probe.check(.credentials, in: fixture.lanes.money) == (saysNothing.contains(reason) ? .stands : .passed))
        fixture.bos.play(ScriptedBOS.Script())
        #expect(await probe.check(.credentials, in: fixture.lanes.money) == .passed)
    }

    @Test("a released job continues at its next delivery, also after the clock was set back")
    func releasedJobAfterClockSetBack() async throws {
        let script = ScriptedBOS.Script.refusingAll
        let fixture = EngineFixture(script)
        #expect(await fixture.handle(EngineFixture.recharge()) == .requeue)
        fixture.clock.advance(by: .seconds(-3_600))
        fixture.bos.play(ScriptedBOS.Script())
        #expect(await fixture.restarted().handle(EngineFixture.recharge()) == .ack)
        #expect(fixture.replies.map { $0.text("outcome") } == ["succeeded"])
    }

    @Test("a job that cannot be sent waits in the ledger after a few attempts, and its delivery is acknowledged")
    func unreachableBOS() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.notSent)]
        let fixture = EngineFixture(script)
        #expect(await fixture.handle(EngineFixture.recharge()) == .ack)
        #expect(fixture.clock.uptime() < .seconds(60))
        #expect(fixture.broker.publications.isEmpty)
        #expect(fixture.bos.calls.recharges.count == RetryPolicy().attempts)
        let record = try #require(try await fixture.record())
        #expect(record.progress.state == .accepted)
        #expect(record.progress.waitReason == .notSent)
        fixture.bos.play(ScriptedBOS.Script())
        fixture.clock.advance(by: .seconds(60))
        #expect(try await fixture.poll() == [.ack])
        #expect(fixture.replies.map { $0.text("outcome") } == ["succeeded"])
    }

    @Test("a query that BOS never answers waits in the ledger, and does not stop other jobs")
    func unansweredQueryWaits() async throws {
        var script = ScriptedBOS.Script()
        script.enquiries = [.unanswered(.unanswered, retryAfter: nil)]
        let fixture = EngineFixture(script)
        #expect(await fixture.handle("{\"referenceid\":\"R1\"}", kind: "recharge.status") == .ack)
        #expect(fixture.clock.uptime() < .seconds(60))
        #expect(fixture.lanes.questions.gate.isOpen)
        #expect(try await fixture.record("R1", kind: .rechargeStatus)?.progress.waitReason == .unanswered)
    }

    @Test("each history entry names the result of the call before it, and no other entry repeats it")
    func historyNamesCallResults() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.notSent), .answered(.done, ScriptedBOS.answer)]
        let fixture = EngineFixture(script)
        #expect(await fixture.handle(EngineFixture.recharge()) == .ack)
        let history = try #require(try await fixture.ledger.job(.recharge, reference: "R1")).history
        #expect(
            history.map { "\($0.event.rawValue): \($0.detail)" } == [
                "accepted: sending", "waiting: not_sent; DoRecharge: scripted", "sending: never_taken",
                "finished: succeeded; DoRecharge: scripted",
            ])
    }

    @Test("a long pause that BOS asks for is spent in the ledger, not with a held delivery")
    func retryAfterWaitsInLedger() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.throttled(retryAfter: .seconds(40)))]
        let fixture = EngineFixture(script)
        #expect(await fixture.handle(EngineFixture.recharge()) == .ack)
        #expect(fixture.bos.calls.recharges.count == 1)
        let due = try #require(try await fixture.record()?.progress.dueAt)
        #expect(due >= fixture.clock.now() + .seconds(40))
    }

    @Test("after repeated failures of BOS recharges stop, only enquiries probe it, and recharges continue once it answers")
    func breakerOpensAndCloses() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        let fixture = EngineFixture(script)
        var sent = 0
        while fixture.gate.isOpen, sent < 100 {
            sent += 1
            await fixture.handle(EngineFixture.recharge("R\(sent)"))
        }
        #expect(sent < 20)
        #expect(fixture.gate.pauses[.bos] != nil)
        #expect(await fixture.handle(EngineFixture.recharge("late")) == .requeue)
        let calls = fixture.bos.calls.recharges.count
        script.probe = .unanswered(.unanswered, retryAfter: nil)
        fixture.bos.play(script)
        let probe = fixture.probe
        #expect(await probe.check(.bos, in: fixture.lanes.money) == .stands)
        fixture.clock.advance(by: .seconds(10))
        #expect(await probe.check(.bos, in: fixture.lanes.money) == .stands)
        fixture.bos.play(ScriptedBOS.Script())
        fixture.clock.advance(by: .seconds(60))
        #expect(await probe.check(.bos, in: fixture.lanes.money) == .passed)
        #expect(fixture.bos.calls.recharges.count == calls)
        #expect(fixture.lanes.money.breakerState == .closed)
    }

    @Test("a BOS whose answer about an unknown recharge says nothing works again once it finds the recharge that it executed last")
    func unknownProbeAnswerEndsPause() async throws {
        let fixture = EngineFixture()
        #expect(await fixture.handle(EngineFixture.recharge("known")) == .ack)
        let (lane, probe) = (fixture.lanes.money, fixture.probe)
        while fixture.gate.isOpen {
            await lane.record(CallOutcome(quality: .failed), startedAt: fixture.clock.uptime(), note: "DoRecharge: HTTP 500")
        }
        func probed(_ enquiries: [Enquiry], httpStatus: Int) async -> (ConsumptionGate.ProbeResult, about: [String]) {
            var script = ScriptedBOS.Script()
            (script.probe, script.probeStatus) = (.unanswered(.unanswered, retryAfter: nil), httpStatus)
            script.enquiries = enquiries
            fixture.bos.play(script)
            fixture.clock.advance(by: .seconds(60))
            let asked = fixture.bos.calls.enquiries.count
            return (await probe.check(.bos, in: lane), Array(fixture.bos.calls.enquiries.dropFirst(asked)))
        }
        let found = Enquiry.found(.succeeded, ScriptedBOS.answer)
        let broken = await probed([found], httpStatus: 502)
        #expect(broken.0 == .stands && broken.about == [])
        let proxy = await probed([.unanswered(.unanswered, retryAfter: nil)], httpStatus: 404)
        #expect(proxy.0 == .stands && proxy.about == ["known"])
        #expect(fixture.gate.pauses[.bos]?.contains("an answer that says nothing: RechargesStatus: scripted") == true)
        let back = await probed([found], httpStatus: 404)
        #expect(back.0 == .passed && back.about == ["known"])
        #expect(lane.breakerState == .closed)
    }

    @Test("without an executed recharge, an answer that says nothing does not end the pause, and its detail says what to do")
    func unknownProbeAnswerWithoutExample() async {
        var script = ScriptedBOS.Script()
        (script.probe, script.probeStatus) = (.unanswered(.unanswered, retryAfter: nil), 404)
        let fixture = EngineFixture(script)
        while fixture.gate.isOpen {
            await fixture.lanes.money.record(CallOutcome(quality: .failed), startedAt: fixture.clock.uptime(), note: "DoRecharge: HTTP 500")
        }
        fixture.clock.advance(by: .seconds(60))
        #expect(await fixture.probe.check(.bos, in: fixture.lanes.money) == .stands)
        #expect(fixture.bos.calls.enquiries == [])
        #expect(fixture.gate.pauses[.bos]?.contains("restart the worker") == true)
    }

    @Test("the breaker's probes are sent when they are due, however many failed before")
    func probesInTime() async {
        let fixture = EngineFixture()
        let lane = fixture.lanes.money
        while fixture.gate.isOpen {
            await lane.record(CallOutcome(quality: .failed), startedAt: fixture.clock.uptime(), note: "DoRecharge: HTTP 500")
        }
        #expect(fixture.gate.pauses[.bos]?.contains("DoRecharge: HTTP 500") == true)
        var (due, interval) = (fixture.clock.uptime() + .seconds(5), Duration.seconds(5))
        let probed = Mutex<[Duration]>([])
        let running = Task {
            await fixture.gate.run { _ in
                await lane.probe {
                    probed.withLock { times in
                        times.append(fixture.clock.uptime())
                        return times.count == 6
                    }
                } ? .passed : .stands
            }
        }
        while !fixture.gate.isOpen, !Task.isCancelled { await Task.yield() }
        running.cancel()
        await running.value
        for time in probed.withLock({ $0 }) {
            #expect((due...due + .milliseconds(250)).contains(time))
            interval = min(interval * 2, .seconds(60))
            due = time + interval
        }
    }

    @Test("a ledger that cannot be written pauses consumption, and no recharge is sent without a record")
    func ledgerFailsAtClaim() async {
        let fixture = EngineFixture()
        fixture.ledger.failClaims(1)
        #expect(await fixture.handle(EngineFixture.recharge()) == .requeue)
        #expect(fixture.gate.pauses[.ledger] != nil)
        #expect(fixture.bos.calls.recharges.isEmpty)
    }

    @Test("a job whose row cannot be read is not sent, and other jobs do not wait for it")
    func unreadableRow() async {
        let fixture = EngineFixture()
        fixture.ledger.failClaims(1, with: .unreadable("test"))
        #expect(await fixture.handle(EngineFixture.recharge()) == .reject)
        #expect(fixture.bos.calls.recharges.isEmpty)
        #expect(fixture.broker.publications.isEmpty)
        #expect(await fixture.handle(EngineFixture.recharge("R2")) == .ack)
    }

    @Test("a run keeps its result until the ledger can be written again")
    func resultKeptUntilStored() async throws {
        let fixture = EngineFixture()
        fixture.ledger.failUpdates(3)
        #expect(await fixture.handle(EngineFixture.recharge()) == .ack)
        #expect(fixture.bos.calls.recharges == ["R1"])
        #expect(try await fixture.record()?.progress.state == .succeeded)
        #expect(fixture.replies.map { $0.text("evidence") } == ["answer"])
    }

    @Test("after a result that could not be stored in time, the next delivery leads to an enquiry")
    func unstoredResultEnquired() async throws {
        let fixture = EngineFixture()
        fixture.ledger.failUpdates(.max)
        #expect(await fixture.handle(EngineFixture.recharge()) == .requeue)
        #expect(fixture.broker.publications.isEmpty)
        fixture.ledger.failUpdates(0)
        #expect(await fixture.restarted().handle(EngineFixture.recharge()) == .ack)
        #expect(fixture.bos.calls.recharges == ["R1"])
        #expect(fixture.replies.map { $0.text("evidence") } == ["enquiry"])
    }

    @Test("a reply to a direct reply-to address that is gone goes to the unrouted exchange")
    func unrouted() async {
        let fixture = EngineFixture()
        fixture.broker.fail([.returned(code: 312, text: "NO_ROUTE")])
        #expect(await fixture.handle(EngineFixture.recharge(), replyTo: "amq.rabbitmq.reply-to.x") == .ack)
        #expect(fixture.broker.publications.map(\.exchange) == ["bos.unrouted"])
    }

    @Test("a drain ends waits early: the job returns to its queue and has no owner")
    func drainReleasesJobs() async throws {
        let fixture = EngineFixture()
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [.found(.pending, ScriptedBOS.answer)]
        let drain = fixture.drain
        script.duringRecharge = { _ in drain.drain() }
        fixture.bos.play(script)
        #expect(await fixture.handle(EngineFixture.recharge()) == .requeue)
        let record = try #require(try await fixture.record())
        #expect(record.owner == nil)
        #expect(record.progress.state == .inDoubt)
        #expect(await fixture.handle(EngineFixture.recharge("R2")) == .requeue)
    }
}
