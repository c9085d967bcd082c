import AMQP
import ExactJSON
import JobModel
import Ledger
import Testing

@testable import JobEngine

@Suite("Messages that do not become jobs", .timeLimit(.minutes(1)))
struct RefusalTests {
    @Test(
        "a message that cannot be understood is kept with its reason, answered and let go of",
        arguments: [
            ("{", "undecodable"), ("", "undecodable"), ("[1]", "undecodable"), ("{\"operator\":1}", "invalid_job"),
        ])
    func deadLettered(_ body: String, _ reason: String) async throws {
        let fixture = EngineFixture()
        #expect(await fixture.handle(body) == .ack)
        let letter = try #require(fixture.broker.publications.last)
        #expect(letter.exchange == "bos.dead")
        #expect(letter.message.body == Array(body.utf8))
        #expect(letter.message.properties.headers["x-bos-reason"] == .string(reason))
        #expect(letter.message.properties.headers["x-bos-original-exchange"] == .string("bos.jobs"))
        #expect(letter.message.properties.headers["x-bos-original-routing-key"] == .string("recharge"))
        #expect(letter.message.properties.headers["x-bos-detail"] != nil)
        #expect(letter.message.properties.headers["x-bos-failed-at"] != nil)
        #expect(fixture.replies.first?.text("outcome") == "refused")
        #expect(fixture.bos.calls == ScriptedBOS.Calls())
    }

    @Test("without any address there is no reply, only the dead letter")
    func noAddress() async {
        let fixture = EngineFixture()
        #expect(await fixture.handle("{", correlation: nil) == .ack)
        #expect(fixture.broker.publications.map(\.exchange) == ["bos.dead"])
    }

    @Test("a message of an unknown kind is answered as unknown")
    func unknownKind() async {
        let fixture = EngineFixture()
        #expect(await fixture.handle("{\"x\":1}", kind: "nonsense") == .ack)
        #expect(fixture.broker.publications.map(\.routingKey) == ["unknown.refused", ""])
    }

    @Test("an amount out of range is refused without a dead letter: it was understood")
    func amount() async throws {
        let fixture = EngineFixture()
        #expect(await fixture.handle(EngineFixture.recharge(amount: "-1")) == .ack)
        #expect(fixture.broker.publications.map(\.exchange) == ["bos.replies"])
        #expect(fixture.replies.first?["error"]?.text("code") == "amount_out_of_range")
    }

    @Test("a body that was not even kept is moved to the dead letters by the broker")
    func truncated() async {
        let fixture = EngineFixture()
        #expect(await fixture.handle(SentMessage(body: "", announcedSize: 5_000_000, isTruncated: true)) == .reject)
        #expect(fixture.broker.publications.map(\.exchange) == ["bos.replies"])
    }

    @Test("a job whose property is no UTF-8 is refused before anything is sent, and its bytes are kept")
    func unreadableProperty() async throws {
        let fixture = EngineFixture()
        var message = Message(body: Array(EngineFixture.recharge().utf8))
        message.properties.messageID = "m1"
        message.properties.unreadable = ["correlation_id": [0xff, 0xfe]]
        #expect(await fixture.handle(message, routingKey: "recharge") == .ack)
        #expect(fixture.bos.calls == ScriptedBOS.Calls())
        #expect(fixture.replies.first?["error"]?.text("detail") == "the property correlation_id is not UTF-8 text")
        let letter = try #require(fixture.broker.publications.last)
        #expect(letter.exchange == "bos.dead")
        #expect(letter.message.properties.headers["x-bos-unreadable"] == .table(["correlation_id": .bytes([0xff, 0xfe])]))
    }

    @Test("what nobody can be told of is kept for a person, even if it was understood")
    func nobodyToTell() async throws {
        let fixture = EngineFixture()
        let body = "{\"operator\":311,\"canumber\":\"9876543210\",\"amount\":999999}"
        #expect(await fixture.handle(body, correlation: nil) == .ack)
        let letter = try #require(fixture.broker.publications.first)
        #expect(fixture.broker.publications.count == 1)
        #expect(letter.exchange == "bos.dead")
        #expect(letter.message.properties.headers["x-bos-reason"] == .string("invalid_job"))
        await fixture.handle(body, correlation: "c1")
        #expect(fixture.broker.publications.map(\.exchange) == ["bos.dead", "bos.replies"])
    }

    @Test("a job that was accepted is not refused by rules that came later: it may have been sent")
    func laterRules() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [.found(.pending, ScriptedBOS.answer)]
        let fixture = EngineFixture(script)
        let drain = fixture.drain
        script.duringRecharge = { _ in drain.drain() }
        fixture.bos.play(script)
        let large = EngineFixture.recharge("R1", amount: "8000")
        #expect(await fixture.handle(large) == .requeue)
        #expect(try await fixture.record()?.progress.state == .inDoubt)
        var rules = JobRules()
        rules.maximumAmount = Money(paise: 5_000_00)
        let next = fixture.restarted(rules)
        script.enquiries = [.found(.succeeded, ScriptedBOS.answer)]
        fixture.bos.play(script)
        #expect(await next.handle(large) == .ack)
        #expect(await next.handle(large) == .ack)
        #expect(fixture.replies.map { $0.text("outcome") } == ["succeeded", "succeeded"])
        // Other content under its reference is a conflict, and a new job is held against the rules: no limit so high, no RegisterID.
        #expect(await next.handle(EngineFixture.recharge("R1", amount: "9000")) == .ack)
        #expect(await next.handle(EngineFixture.recharge("R2", amount: "8000")) == .ack)
        #expect(await next.handle(EngineFixture.recharge("R3")) == .ack)
        let codes = fixture.replies.dropFirst(2).compactMap { $0["error"]?.text("code") }
        #expect(codes == ["reference_conflict", "amount_out_of_range", "invalid_job"])
        #expect(fixture.bos.calls.recharges == ["R1"])
    }

    @Test("a job that may have been accepted is not refused while the ledger cannot be asked")
    func ledgerSilent() async throws {
        var rules = JobRules()
        rules.maximumAmount = Money(paise: 1)
        let fixture = EngineFixture().restarted(rules)
        fixture.ledger.failLookups(1)
        #expect(await fixture.handle(EngineFixture.recharge()) == .requeue)
        #expect(!fixture.gate.isOpen)
        #expect(fixture.broker.publications.isEmpty)
    }

    @Test("a dead letter that is too large with its reason is moved by the broker as it is")
    func letterTooLarge() async {
        let fixture = EngineFixture()
        fixture.broker.fail([.invalid("too large")])
        #expect(await fixture.handle("{", correlation: nil) == .reject)
        #expect(fixture.broker.publications.isEmpty)
    }

    @Test("a refused message whose reply may not be written, or leads nowhere for as long as it may be held, is kept with the dead letters")
    func untold() async {
        let invalid = EngineFixture.recharge(amount: "0")
        for error in [PublishError.turnedDown(code: 403, text: "ACCESS_REFUSED"), .returned(code: 312, text: "NO_ROUTE")] {
            let fixture = EngineFixture()
            fixture.broker.fail(error, at: "bos.replies", "bos.unrouted")
            #expect(await fixture.handle(invalid) == .ack)
            #expect(fixture.broker.publications.map(\.exchange) == ["bos.dead"])
        }
    }

    @Test("a dead letter whose exchange is missing leaves the message in its queue")
    func missingDeadLetters() async {
        let fixture = EngineFixture()
        fixture.broker.fail(Array(repeating: .turnedDown(code: 404, text: "NOT_FOUND"), count: 1_000))
        #expect(await fixture.handle("{", correlation: nil) == .requeue)
    }

    @Test("a reply that cannot be put on the wire stays owed, and no other way is tried")
    func impossibleReply() async throws {
        let fixture = EngineFixture()
        fixture.broker.fail([.invalid("too long")])
        #expect(await fixture.handle(EngineFixture.recharge()) == .ack)
        #expect(fixture.broker.publications.isEmpty)
        #expect(try await fixture.ledger.unpublishedReplies(after: 0, limit: 10).replies.count == 1)
    }

    @Test("a refusal or dead letter that is not confirmed leaves the message in its queue")
    func notConfirmed() async {
        let fixture = EngineFixture()
        fixture.broker.fail(Array(repeating: .notSent("away"), count: 1_000))
        #expect(await fixture.handle("{") == .requeue)
        #expect(fixture.clock.uptime() > .seconds(30))
        #expect(fixture.clock.uptime() <= .seconds(60))
        fixture.broker.fail([.notSent("away")])
        #expect(await fixture.handle("{") == .ack)
        let ids = fixture.broker.publications.filter { $0.exchange == "bos.replies" }.map(\.message.properties.messageID)
        #expect(ids.count == 1)
    }

    @Test("the same refused message is refused under the same id")
    func sameID() async {
        let fixture = EngineFixture()
        await fixture.handle("{")
        await fixture.handle("{")
        let replies = fixture.broker.publications.filter { $0.exchange == "bos.replies" }
        #expect(replies.count == 2)
        #expect(Set(replies.map(\.message.properties.messageID)).count == 1)
    }
}
