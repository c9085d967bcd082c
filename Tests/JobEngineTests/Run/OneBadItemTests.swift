import AMQP
import JobModel
import Ledger
import Testing

@testable import JobEngine

@Suite("One bad job does not affect others", .timeLimit(.minutes(1)))
struct OneBadItemTests {
    @Test("a recharge whose own credentials BOS refuses waits alone, ends after five refusals, and stops no other recharge")
    func ownCredentials() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.credentialsRefused)]
        let fixture = EngineFixture(script)
        fixture.bos.play(ScriptedBOS.Script())
        #expect(await fixture.handle(EngineFixture.recharge("good-0")) == .ack)
        for round in 1...5 {
            fixture.bos.play(script)
            let bad = await fixture.handle(EngineFixture.recharge("bad"))
            #expect(bad == .ack)
            #expect(fixture.gate.isOpen)
            fixture.bos.play(ScriptedBOS.Script())
            #expect(await fixture.handle(EngineFixture.recharge("good-\(round)")) == .ack)
            fixture.clock.advance(by: .seconds(600))
        }
        let replies = fixture.replies.map { ($0.text("reference"), $0.text("outcome")) }
        #expect(replies.filter { $0.1 == "succeeded" }.count == 6)
        #expect(replies.filter { $0.0 == "bad" }.map(\.1) == ["failed"])
        let record = try #require(try await fixture.record("bad"))
        #expect(record.progress.state == .failed)
        #expect(record.progress.attempts == 0)
    }

    @Test("no recharge ends while BOS refuses the credentials of all recharges, although it accepts those of enquiries")
    func credentialsOfAllRecharges() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.credentialsRefused)]
        let fixture = EngineFixture()
        #expect(await fixture.handle(EngineFixture.recharge("good")) == .ack)
        fixture.bos.play(script)
        for _ in 0..<9 {
            for number in 1...2 { #expect(await fixture.handle(EngineFixture.recharge("R\(number)")) == .ack) }
            fixture.clock.advance(by: .seconds(600))
        }
        #expect(fixture.replies.count == 1)
        for number in 1...2 { #expect(try await fixture.record("R\(number)")?.progress.state == .accepted) }
    }

    @Test("a PAN query whose own credentials BOS refuses stops neither lane")
    func ownCredentialsOfPAN() async throws {
        var script = ScriptedBOS.Script()
        script.panAnswers = [.unanswered(.credentialsRefused, retryAfter: nil)]
        let fixture = EngineFixture(script)
        #expect(await fixture.handle("{\"refid\":\"P1\"}", kind: "pan.status") == .ack)
        #expect(fixture.lanes.questions.gate.isOpen)
        #expect(fixture.gate.isOpen)
        #expect(try await fixture.record("P1", kind: .panStatus)?.progress.state == .accepted)
    }

    @Test("a recharge in doubt whose own credentials BOS refuses stays in doubt, and stops neither lane")
    func ownCredentialsOfDoubt() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [.unanswered(.credentialsRefused, retryAfter: nil)]
        let fixture = EngineFixture(script)
        #expect(await fixture.handle(EngineFixture.recharge()) == .ack)
        #expect(fixture.lanes.questions.gate.isOpen)
        #expect(try await fixture.record()?.progress.state == .inDoubt)
    }

    @Test("copies of a running job occupy no slots")
    func copiesOccupyNoSlots() async {
        let fixture = EngineFixture(lane: Lane.Configuration(concurrency: 2))
        var script = ScriptedBOS.Script()
        script.duringRecharge = { recharge in
            guard recharge.reference == "R1" else { return }
            for number in 0..<8 {
                #expect(await fixture.handle(EngineFixture.recharge("R1"), correlation: "copy-\(number)") == .ack)
            }
            #expect(await fixture.handle(EngineFixture.recharge("R2")) == .ack)
        }
        fixture.bos.play(script)
        #expect(await fixture.handle(EngineFixture.recharge("R1")) == .ack)
        #expect(fixture.bos.calls.recharges == ["R1", "R2"])
        #expect(fixture.replies.count == 10)
    }

    @Test(
        "a copy from another recipient that joins the run of a doubt gets the reply in_doubt at once, although the run publishes nothing new"
    )
    func copyOfDoubt() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [.found(.pending, ScriptedBOS.answer)]
        let fixture = EngineFixture(script)
        #expect(await fixture.handle(EngineFixture.recharge(), correlation: "first") == .ack)
        script.duringEnquiry = { _ in
            guard fixture.replies.count == 1 else { return }
            #expect(await fixture.handle(EngineFixture.recharge(), correlation: "second") == .ack)
            #expect(fixture.replies.map { $0.text("outcome") } == ["in_doubt", "in_doubt"])
        }
        fixture.bos.play(script)
        fixture.clock.advance(by: .seconds(3_600))
        #expect(try await fixture.poll() == [.ack])
        #expect(fixture.broker.publications.map(\.message.properties.correlationID) == ["first", "second"])
        script.enquiries = [.found(.succeeded, ScriptedBOS.answer)]
        fixture.bos.play(script)
        fixture.clock.advance(by: .seconds(3_600))
        #expect(try await fixture.poll() == [.ack])
        #expect(fixture.replies.map { $0.text("outcome") } == ["in_doubt", "in_doubt", "succeeded", "succeeded"])
    }

    @Test("a recharge whose deadline passes while its claim is stored is not sent")
    func lateByDeadline() async throws {
        let fixture = EngineFixture()
        let deadline = (fixture.clock.now() + .seconds(1)).rfc3339
        fixture.ledger.beforeClaim { fixture.clock.advance(by: .seconds(5)) }
        await fixture.handle(EngineFixture.recharge(expiresAt: deadline))
        #expect(fixture.bos.calls.recharges.isEmpty)
        fixture.ledger.beforeClaim {}
        fixture.clock.advance(by: .seconds(60))
        await fixture.handle(EngineFixture.recharge(expiresAt: deadline))
        #expect(fixture.replies.map { $0.text("outcome") } == ["expired"])
        #expect(fixture.bos.calls.recharges.isEmpty)
    }

    @Test("a recharge is not sent when a slow ledger left too little time for BOS's answer")
    func lateBySlowLedger() async throws {
        let fixture = EngineFixture()
        fixture.ledger.beforeClaim { fixture.clock.advance(by: .seconds(45)) }
        #expect(await fixture.handle(EngineFixture.recharge()) == .ack)
        #expect(fixture.bos.calls.recharges.isEmpty)
        #expect(try await fixture.record()?.progress.waitReason == .late)
        fixture.ledger.beforeClaim {}
        fixture.clock.advance(by: .seconds(60))
        #expect(await fixture.handle(EngineFixture.recharge()) == .ack)
        #expect(fixture.bos.calls.recharges == ["R1"])
    }
}
