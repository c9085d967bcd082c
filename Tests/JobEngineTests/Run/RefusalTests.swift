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
        let workshop = Workshop()
        #expect(await workshop.handle(body) == .ack)
        let letter = try #require(workshop.broker.publications.last)
        #expect(letter.exchange == "bos.dead")
        #expect(letter.message.body == Array(body.utf8))
        #expect(letter.message.properties.headers["x-bos-reason"] == .string(reason))
        #expect(letter.message.properties.headers["x-bos-original-exchange"] == .string("bos.jobs"))
        #expect(letter.message.properties.headers["x-bos-original-routing-key"] == .string("recharge"))
        #expect(letter.message.properties.headers["x-bos-detail"] != nil)
        #expect(letter.message.properties.headers["x-bos-failed-at"] != nil)
        #expect(workshop.replies.first?.text("outcome") == "refused")
        #expect(workshop.bos.calls == ScriptedBOS.Calls())
    }

    @Test("without any address there is no reply, only the dead letter")
    func noAddress() async {
        let workshop = Workshop()
        #expect(await workshop.handle("{", correlation: nil) == .ack)
        #expect(workshop.broker.publications.map(\.exchange) == ["bos.dead"])
    }

    @Test("a message of an unknown kind is answered as unknown")
    func unknownKind() async {
        let workshop = Workshop()
        #expect(await workshop.handle("{\"x\":1}", kind: "nonsense") == .ack)
        #expect(workshop.broker.publications.map(\.routingKey) == ["unknown.refused", ""])
    }

    @Test("an amount out of range is refused without a dead letter: it was understood")
    func amount() async throws {
        let workshop = Workshop()
        #expect(await workshop.handle(Workshop.recharge(amount: "-1")) == .ack)
        #expect(workshop.broker.publications.map(\.exchange) == ["bos.replies"])
        #expect(workshop.replies.first?["error"]?.text("code") == "amount_out_of_range")
    }

    @Test("a body that was not even kept is moved to the dead letters by the broker")
    func truncated() async {
        let workshop = Workshop()
        #expect(await workshop.handle("", announcedSize: 5_000_000, isTruncated: true) == .reject)
        #expect(workshop.broker.publications.map(\.exchange) == ["bos.replies"])
    }

    @Test("a job whose property is no UTF-8 is refused before anything is sent, and its bytes are kept")
    func unreadableProperty() async throws {
        let workshop = Workshop()
        var message = Message(body: Array(Workshop.recharge().utf8))
        message.properties.messageID = "m1"
        message.properties.unreadable = ["correlation_id": [0xff, 0xfe]]
        #expect(await workshop.handle(message, routingKey: "recharge") == .ack)
        #expect(workshop.bos.calls == ScriptedBOS.Calls())
        #expect(workshop.replies.first?["error"]?.text("detail") == "the property correlation_id is not UTF-8 text")
        let letter = try #require(workshop.broker.publications.last)
        #expect(letter.exchange == "bos.dead")
        #expect(letter.message.properties.headers["x-bos-unreadable"] == .table(["correlation_id": .bytes([0xff, 0xfe])]))
    }

    @Test("what nobody can be told of is kept for a person, even if it was understood")
    func nobodyToTell() async throws {
        let workshop = Workshop()
        let body = "{\"operator\":311,\"canumber\":\"9876543210\",\"amount\":999999}"
        #expect(await workshop.handle(body, correlation: nil) == .ack)
        let letter = try #require(workshop.broker.publications.first)
        #expect(workshop.broker.publications.count == 1)
        #expect(letter.exchange == "bos.dead")
        #expect(letter.message.properties.headers["x-bos-reason"] == .string("invalid_job"))
        await workshop.handle(body, correlation: "c1")
        #expect(workshop.broker.publications.map(\.exchange) == ["bos.dead", "bos.replies"])
    }

    @Test("a job that was accepted is not refused by rules that came later: it may have been sent")
    func laterRules() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [.found(.pending, ScriptedBOS.answer)]
        let workshop = Workshop(script)
        let drain = workshop.drain
        script.duringRecharge = { _ in drain.drain() }
        workshop.bos.play(script)
        let large = Workshop.recharge("R1", amount: "8000")
        #expect(await workshop.handle(large) == .requeue)
        #expect(try await workshop.record()?.progress.state == .inDoubt)
        var rules = JobRules()
        rules.maximumAmount = Money(paise: 5_000_00)
        let next = workshop.restarted(rules)
        script.enquiries = [.found(.succeeded, ScriptedBOS.answer)]
        workshop.bos.play(script)
        #expect(await next.handle(large) == .ack)
        #expect(await next.handle(large) == .ack)
        #expect(workshop.replies.map { $0.text("outcome") } == ["succeeded", "succeeded"])
        // Other content under its reference is a conflict, and a new job is held against the rules: no limit so high, no RegisterID.
        #expect(await next.handle(Workshop.recharge("R1", amount: "9000")) == .ack)
        #expect(await next.handle(Workshop.recharge("R2", amount: "8000")) == .ack)
        #expect(await next.handle(Workshop.recharge("R3")) == .ack)
        let codes = workshop.replies.dropFirst(2).compactMap { $0["error"]?.text("code") }
        #expect(codes == ["reference_conflict", "amount_out_of_range", "invalid_job"])
        #expect(workshop.bos.calls.recharges == ["R1"])
    }

    @Test("a job that may have been accepted is not refused while the ledger cannot be asked")
    func ledgerSilent() async throws {
        var rules = JobRules()
        rules.maximumAmount = Money(paise: 1)
        let workshop = Workshop().restarted(rules)
        workshop.ledger.failLookups(1)
        #expect(await workshop.handle(Workshop.recharge()) == .requeue)
        #expect(!workshop.gate.isOpen)
        #expect(workshop.broker.publications.isEmpty)
    }

    @Test("a dead letter that is too large with its reason is moved by the broker as it is")
    func letterTooLarge() async {
        let workshop = Workshop()
        workshop.broker.fail([.invalid("too large")])
        #expect(await workshop.handle("{", correlation: nil) == .reject)
        #expect(workshop.broker.publications.isEmpty)
    }

    @Test("a refused message whose reply may not be written, or leads nowhere for as long as it may be held, is kept with the dead letters")
    func untold() async {
        let invalid = Workshop.recharge(amount: "0")
        for error in [PublishError.turnedDown(code: 403, text: "ACCESS_REFUSED"), .returned(code: 312, text: "NO_ROUTE")] {
            let workshop = Workshop()
            workshop.broker.fail(error, at: "bos.replies", "bos.unrouted")
            #expect(await workshop.handle(invalid) == .ack)
            #expect(workshop.broker.publications.map(\.exchange) == ["bos.dead"])
        }
    }

    @Test("a dead letter whose exchange is missing leaves the message in its queue")
    func missingDeadLetters() async {
        let workshop = Workshop()
        workshop.broker.fail(Array(repeating: .turnedDown(code: 404, text: "NOT_FOUND"), count: 1_000))
        #expect(await workshop.handle("{", correlation: nil) == .requeue)
    }

    @Test("a reply that cannot be put on the wire stays owed, and no other way is tried")
    func impossibleReply() async throws {
        let workshop = Workshop()
        workshop.broker.fail([.invalid("too long")])
        #expect(await workshop.handle(Workshop.recharge()) == .ack)
        #expect(workshop.broker.publications.isEmpty)
        #expect(try await workshop.ledger.unpublishedReplies(after: 0, limit: 10).replies.count == 1)
    }

    @Test("a refusal or dead letter that is not confirmed leaves the message in its queue")
    func notConfirmed() async {
        let workshop = Workshop()
        workshop.broker.fail(Array(repeating: .notSent("away"), count: 1_000))
        #expect(await workshop.handle("{") == .requeue)
        #expect(workshop.clock.uptime() > .seconds(30))
        #expect(workshop.clock.uptime() <= .seconds(60))
        workshop.broker.fail([.notSent("away")])
        #expect(await workshop.handle("{") == .ack)
        let ids = workshop.broker.publications.filter { $0.exchange == "bos.replies" }.map(\.message.properties.messageID)
        #expect(ids.count == 1)
    }

    @Test("the same refused message is refused under the same id")
    func sameID() async {
        let workshop = Workshop()
        await workshop.handle("{")
        await workshop.handle("{")
        let replies = workshop.broker.publications.filter { $0.exchange == "bos.replies" }
        #expect(replies.count == 2)
        #expect(Set(replies.map(\.message.properties.messageID)).count == 1)
    }
}
