import AMQP
import ExactJSON
import JobModel
import Ledger
import Testing

@testable import JobEngine

@Suite("Messages that do not become jobs", .timeLimit(.minutes(1)))
struct RefusalTests {
    @Test(
        "a message that cannot be read becomes a dead letter with its reason, is answered and acknowledged",
        arguments: [
            ("{", "undecodable"), ("", "undecodable"), ("[1]", "undecodable"), ("{\"operator\":1}", "invalid_job"),
        ])
    func unreadableMessage(body: String, reason: String) async throws {
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

    @Test("without a reply address there is only the dead letter")
    func noAddress() async {
        let fixture = EngineFixture()
        #expect(await fixture.handle("{", correlation: nil) == .ack)
        #expect(fixture.broker.publications.map(\.exchange) == ["bos.dead"])
    }

    @Test("the reply to a message of an unknown kind has the kind unknown")
    func unknownKind() async {
        let fixture = EngineFixture()
        #expect(await fixture.handle("{\"x\":1}", kind: "nonsense") == .ack)
        #expect(fixture.broker.publications.map(\.routingKey) == ["unknown.refused", ""])
    }

    @Test("an amount out of range is refused without a dead letter, because the message is readable")
    func amountOutOfRange() async throws {
        let fixture = EngineFixture()
        #expect(await fixture.handle(EngineFixture.recharge(amount: "-1")) == .ack)
        #expect(fixture.broker.publications.map(\.exchange) == ["bos.replies"])
        #expect(fixture.replies.first?["error"]?.text("code") == "amount_out_of_range")
    }

    @Test("the broker moves a message to the dead letters if the worker did not keep its body")
    func truncatedBody() async {
        let fixture = EngineFixture()
        #expect(await fixture.handle(SentMessage(body: "", announcedSize: 5_000_000, isTruncated: true)) == .reject)
        #expect(fixture.broker.publications.map(\.exchange) == ["bos.replies"])
    }

    @Test("a job with a property that is not UTF-8 is refused before a call, and the bytes are kept")
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

    @Test("a readable message that has no reply address becomes a dead letter when it is refused")
    func refusalWithoutAddress() async throws {
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

    @Test("later rules do not refuse an accepted job, because it may have been sent")
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
        // Other content under the reference is a conflict. The rules apply to new jobs: the limit is lower, and there is no RegisterID.
        #expect(await next.handle(EngineFixture.recharge("R1", amount: "9000")) == .ack)
        #expect(await next.handle(EngineFixture.recharge("R2", amount: "8000")) == .ack)
        #expect(await next.handle(EngineFixture.recharge("R3")) == .ack)
        let codes = fixture.replies.dropFirst(2).compactMap { $0["error"]?.text("code") }
        #expect(codes == ["reference_conflict", "amount_out_of_range", "invalid_job"])
        #expect(fixture.bos.calls.recharges == ["R1"])
    }

    @Test("a job that may have been accepted is not refused while the ledger cannot be read")
    func ledgerCannotBeRead() async throws {
        var rules = JobRules()
        rules.maximumAmount = Money(paise: 1)
        let fixture = EngineFixture().restarted(rules)
        fixture.ledger.failLookups(1)
        #expect(await fixture.handle(EngineFixture.recharge()) == .requeue)
        #expect(!fixture.gate.isOpen)
        #expect(fixture.broker.publications.isEmpty)
    }

    @Test("the broker moves the message unchanged if it is too large with the reason added")
    func letterTooLarge() async {
        let fixture = EngineFixture()
        fixture.broker.fail([.invalid("too large")])
        #expect(await fixture.handle("{", correlation: nil) == .reject)
        #expect(fixture.broker.publications.isEmpty)
    }

    @Test("a refused message becomes a dead letter if its reply is forbidden, or unroutable for as long as the delivery may be held")
    func refusalCannotBePublished() async {
        let invalid = EngineFixture.recharge(amount: "0")
        for error in [PublishError.turnedDown(code: 403, text: "ACCESS_REFUSED"), .returned(code: 312, text: "NO_ROUTE")] {
            let fixture = EngineFixture()
            fixture.broker.fail(error, at: "bos.replies", "bos.unrouted")
            #expect(await fixture.handle(invalid) == .ack)
            #expect(fixture.broker.publications.map(\.exchange) == ["bos.dead"])
        }
    }

    @Test("without a dead-letter exchange the message stays in its queue")
    func missingDeadLetters() async {
        let fixture = EngineFixture()
        fixture.broker.fail(Array(repeating: .turnedDown(code: 404, text: "NOT_FOUND"), count: 1_000))
        #expect(await fixture.handle("{", correlation: nil) == .requeue)
    }

    @Test("a reply that cannot be encoded stays unpublished, and no other address is tried")
    func impossibleReply() async throws {
        let fixture = EngineFixture()
        fixture.broker.fail([.invalid("too long")])
        #expect(await fixture.handle(EngineFixture.recharge()) == .ack)
        #expect(fixture.broker.publications.isEmpty)
        #expect(try await fixture.ledger.unpublishedReplies(after: 0, limit: 10).replies.count == 1)
    }

    @Test("without a confirm for the refusal or the dead letter the message stays in its queue")
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

    @Test("repeated refusals of one message have the same id")
    func sameID() async {
        let fixture = EngineFixture()
        await fixture.handle("{")
        await fixture.handle("{")
        let replies = fixture.broker.publications.filter { $0.exchange == "bos.replies" }
        #expect(replies.count == 2)
        #expect(Set(replies.map(\.message.properties.messageID)).count == 1)
    }
}
