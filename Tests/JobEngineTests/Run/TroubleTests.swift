import AMQP
import ExactJSON
import JobModel
import Ledger
import LedgerKit
import Synchronization
import Testing

@testable import JobEngine

@Suite("Trouble round a job", .timeLimit(.minutes(1)))
struct TroubleTests {
    @Test("while BOS refuses the credentials no job fails: consuming pauses and the job goes back to its queue")
    func credentials() async throws {
        let script = ScriptedBOS.Script.refusingAll
        let workshop = Workshop(script)
        let settlement = await workshop.handle(Workshop.recharge())
        #expect(settlement == .requeue)
        #expect(workshop.gate.pauses[.credentials] != nil)
        #expect(workshop.broker.publications.isEmpty)
        #expect(try await workshop.record()?.progress.state == .accepted)
        #expect(await workshop.handle(Workshop.recharge("R2")) == .requeue)
        #expect(try await workshop.record("R2") == nil)
    }

    @Test("newer credentials are tried once before consuming pauses")
    func renewed() async {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.credentialsRefused), .answered(.done, ScriptedBOS.answer)]
        script.renewals = [true]
        let workshop = Workshop(script)
        #expect(await workshop.handle(Workshop.recharge()) == .ack)
        #expect(workshop.gate.isOpen)
        #expect(workshop.bos.calls.recharges == ["R1", "R1"])
    }

    @Test("a released job goes on when it is delivered again")
    func released() async throws {
        let script = ScriptedBOS.Script.refusingAll
        let workshop = Workshop(script)
        await workshop.handle(Workshop.recharge())
        workshop.bos.play(ScriptedBOS.Script())
        let probe = PauseProbe(
            gateway: workshop.bos, ledger: workshop.ledger, merchant: KnownMerchant(configured: "merchant"), timeout: .seconds(1))
        let running = Task { await workshop.gate.run { reason in await probe.look(at: reason, in: workshop.lanes.money) } }
        while !workshop.gate.isOpen, !Task.isCancelled { await Task.yield() }
        running.cancel()
        await running.value
        #expect(await workshop.handle(Workshop.recharge()) == .ack)
        #expect(workshop.replies.map { $0.text("outcome") } == ["succeeded"])
    }

    @Test("what says nothing about credentials does not lift the pause after refused ones", arguments: WaitReason.allCases)
    func credentialsProbe(reason: WaitReason) async {
        var script = ScriptedBOS.Script()
        script.probe = .unanswered(reason, retryAfter: nil)
        let workshop = Workshop(script)
        let probe = PauseProbe(
            gateway: workshop.bos, ledger: workshop.ledger, merchant: KnownMerchant(configured: "merchant"), timeout: .seconds(1))
        let saysNothing: [WaitReason] = [.credentialsRefused, .notSent, .throttled]
        #expect(await probe.look(at: .credentials, in: workshop.lanes.money) == (saysNothing.contains(reason) ? .stands : .passed))
        workshop.bos.play(ScriptedBOS.Script())
        #expect(await probe.look(at: .credentials, in: workshop.lanes.money) == .passed)
    }

    @Test("a released job goes on at its next delivery even after the clock was set back")
    func clockSetBack() async throws {
        let script = ScriptedBOS.Script.refusingAll
        let workshop = Workshop(script)
        #expect(await workshop.handle(Workshop.recharge()) == .requeue)
        workshop.clock.advance(by: .seconds(-3_600))
        workshop.bos.play(ScriptedBOS.Script())
        #expect(await workshop.restarted().handle(Workshop.recharge()) == .ack)
        #expect(workshop.replies.map { $0.text("outcome") } == ["succeeded"])
    }

    @Test("a job that BOS does not take waits in the ledger after a few tries, and no delivery is held for it")
    func unreachable() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.notSent)]
        let workshop = Workshop(script)
        #expect(await workshop.handle(Workshop.recharge()) == .ack)
        #expect(workshop.clock.uptime() < .seconds(60))
        #expect(workshop.broker.publications.isEmpty)
        #expect(workshop.bos.calls.recharges.count == RetryPolicy().attempts)
        let record = try #require(try await workshop.record())
        #expect(record.progress.state == .accepted)
        #expect(record.progress.waitReason == .notSent)
        workshop.bos.play(ScriptedBOS.Script())
        workshop.clock.advance(by: .seconds(60))
        #expect(try await workshop.poll() == [.ack])
        #expect(workshop.replies.map { $0.text("outcome") } == ["succeeded"])
    }

    @Test("a question that BOS never answers waits in the ledger, and stops nobody else")
    func poisonousQuestion() async throws {
        var script = ScriptedBOS.Script()
        script.enquiries = [.unanswered(.unanswered, retryAfter: nil)]
        let workshop = Workshop(script)
        #expect(await workshop.handle("{\"referenceid\":\"R1\"}", kind: "recharge.status") == .ack)
        #expect(workshop.clock.uptime() < .seconds(60))
        #expect(workshop.lanes.questions.gate.isOpen)
        #expect(try await workshop.record("R1", .rechargeStatus)?.progress.waitReason == .unanswered)
    }

    @Test("the history says of each step what came of the call before it, once")
    func causes() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.notSent), .answered(.done, ScriptedBOS.answer)]
        let workshop = Workshop(script)
        #expect(await workshop.handle(Workshop.recharge()) == .ack)
        let history = try #require(try await workshop.ledger.job(.recharge, reference: "R1")).history
        #expect(
            history.map { "\($0.event.rawValue): \($0.detail)" } == [
                "accepted: sending", "waiting: not_sent; DoRecharge: scripted", "sending: never_taken",
                "finished: succeeded; DoRecharge: scripted",
            ])
    }

    @Test("a wait that BOS asks for is not spent holding a delivery")
    func retryAfter() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.throttled(retryAfter: .seconds(40)))]
        let workshop = Workshop(script)
        #expect(await workshop.handle(Workshop.recharge()) == .ack)
        #expect(workshop.bos.calls.recharges.count == 1)
        let due = try #require(try await workshop.record()?.progress.dueAt)
        #expect(due >= workshop.clock.now() + .seconds(40))
    }

    @Test("a BOS that fails again and again stops recharges, is probed with questions only, and is used again once it answers")
    func breaker() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        let workshop = Workshop(script)
        var sent = 0
        while workshop.gate.isOpen, sent < 100 {
            sent += 1
            await workshop.handle(Workshop.recharge("R\(sent)"))
        }
        #expect(sent < 20)
        #expect(workshop.gate.pauses[.bos] != nil)
        #expect(await workshop.handle(Workshop.recharge("late")) == .requeue)
        let calls = workshop.bos.calls.recharges.count
        script.probe = .unanswered(.unanswered, retryAfter: nil)
        workshop.bos.play(script)
        let probe = PauseProbe(
            gateway: workshop.bos, ledger: workshop.ledger, merchant: KnownMerchant(configured: "merchant"), timeout: .seconds(1))
        #expect(await probe.look(at: .bos, in: workshop.lanes.money) == .stands)
        workshop.clock.advance(by: .seconds(10))
        #expect(await probe.look(at: .bos, in: workshop.lanes.money) == .stands)
        workshop.bos.play(ScriptedBOS.Script())
        workshop.clock.advance(by: .seconds(60))
        #expect(await probe.look(at: .bos, in: workshop.lanes.money) == .passed)
        #expect(workshop.bos.calls.recharges.count == calls)
        #expect(workshop.lanes.money.breakerState == .closed)
    }

    @Test("the breaker's probes go out when they are due, however many have failed before")
    func probesInTime() async {
        let workshop = Workshop()
        let lane = workshop.lanes.money
        while workshop.gate.isOpen {
            await lane.record(CallOutcome(quality: .failed), startedAt: workshop.clock.uptime(), note: "DoRecharge: HTTP 500")
        }
        #expect(workshop.gate.pauses[.bos]?.contains("DoRecharge: HTTP 500") == true)
        var (due, interval) = (workshop.clock.uptime() + .seconds(5), Duration.seconds(5))
        let probed = Mutex<[Duration]>([])
        let running = Task {
            await workshop.gate.run { _ in
                await lane.probe {
                    probed.withLock { times in
                        times.append(workshop.clock.uptime())
                        return times.count == 6
                    }
                } ? .passed : .stands
            }
        }
        while !workshop.gate.isOpen, !Task.isCancelled { await Task.yield() }
        running.cancel()
        await running.value
        for time in probed.withLock({ $0 }) {
            #expect((due...due + .milliseconds(250)).contains(time))
            interval = min(interval * 2, .seconds(60))
            due = time + interval
        }
    }

    @Test("a ledger that cannot be written stops consuming, and nothing is sent unrecorded")
    func ledgerFailsAtClaim() async {
        let workshop = Workshop()
        workshop.ledger.failClaims(1)
        #expect(await workshop.handle(Workshop.recharge()) == .requeue)
        #expect(workshop.gate.pauses[.ledger] != nil)
        #expect(workshop.bos.calls.recharges.isEmpty)
    }

    @Test("a job whose row cannot be read is sent by nobody, and keeps nobody else waiting")
    func unreadableRow() async {
        let workshop = Workshop()
        workshop.ledger.failClaims(1, with: .unreadable("test"))
        #expect(await workshop.handle(Workshop.recharge()) == .reject)
        #expect(workshop.bos.calls.recharges.isEmpty)
        #expect(workshop.broker.publications.isEmpty)
        #expect(await workshop.handle(Workshop.recharge("R2")) == .ack)
    }

    @Test("a verdict is kept until the ledger can be written again")
    func ledgerFailsAtVerdict() async throws {
        let workshop = Workshop()
        workshop.ledger.failUpdates(3)
        #expect(await workshop.handle(Workshop.recharge()) == .ack)
        #expect(workshop.bos.calls.recharges == ["R1"])
        #expect(try await workshop.record()?.progress.state == .succeeded)
        #expect(workshop.replies.map { $0.text("evidence") } == ["answer"])
    }

    @Test("a verdict that cannot be stored in time is asked for after the delivery comes again")
    func ledgerStaysBroken() async throws {
        let workshop = Workshop()
        workshop.ledger.failUpdates(.max)
        #expect(await workshop.handle(Workshop.recharge()) == .requeue)
        #expect(workshop.broker.publications.isEmpty)
        workshop.ledger.failUpdates(0)
        #expect(await workshop.restarted().handle(Workshop.recharge()) == .ack)
        #expect(workshop.bos.calls.recharges == ["R1"])
        #expect(workshop.replies.map { $0.text("evidence") } == ["enquiry"])
    }

    @Test("a direct reply-to that is gone leads to the unrouted exchange")
    func unrouted() async {
        let workshop = Workshop()
        workshop.broker.fail([.returned(code: 312, text: "NO_ROUTE")])
        #expect(await workshop.handle(Workshop.recharge(), replyTo: "amq.rabbitmq.reply-to.x") == .ack)
        #expect(workshop.broker.publications.map(\.exchange) == ["bos.unrouted"])
    }

    @Test("a drain ends waits early: the job goes back to its queue and belongs to nobody")
    func drained() async throws {
        let workshop = Workshop()
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [.found(.pending, ScriptedBOS.answer)]
        let drain = workshop.drain
        script.duringRecharge = { _ in drain.drain() }
        workshop.bos.play(script)
        #expect(await workshop.handle(Workshop.recharge()) == .requeue)
        let record = try #require(try await workshop.record())
        #expect(record.owner == nil)
        #expect(record.progress.state == .inDoubt)
        #expect(await workshop.handle(Workshop.recharge("R2")) == .requeue)
    }
}
