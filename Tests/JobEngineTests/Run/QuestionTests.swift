import AMQP
import ExactJSON
import JobModel
import Ledger
import Testing

@testable import JobEngine

@Suite("Queries", .timeLimit(.minutes(1)))
struct QuestionTests {
    private static func pending(_ message: String) -> PANStatusMachine.Event {
        .found(.pending, Answer(httpStatus: 200, responseCode: 1, status: true, message: message))
    }

    @Test("each query of a recharge's status leads to a new enquiry")
    func rechargeStatusQueriesAreNew() async {
        var script = ScriptedBOS.Script()
        script.enquiries = [.found(.pending, ScriptedBOS.answer), .found(.succeeded, ScriptedBOS.answer)]
        let fixture = EngineFixture(script)
        let body = "{\"referenceid\":\"R1\"}"
        await fixture.handle(body, kind: "recharge.status", correlation: "a")
        fixture.outbox.finish()
        await fixture.outbox.runMarkPublished()
        await fixture.handle(body, kind: "recharge.status", correlation: "b")
        #expect(fixture.replies.map { $0.text("outcome") } == ["pending", "succeeded"])
        #expect(fixture.replies.allSatisfy { $0["final"] == .bool(true) })
    }

    @Test(
        "a redelivered query gets its earlier reply, although there were other queries since; without a message_id it leads to a new enquiry"
    )
    func redeliveredQuery() async throws {
        var script = ScriptedBOS.Script()
        script.enquiries = [.found(.pending, ScriptedBOS.answer), .found(.succeeded, ScriptedBOS.answer)]
        let fixture = EngineFixture(script)
        for (message, isRedelivered) in [("m-1", false), ("m-1", true), ("m-2", false), ("m-2", true), ("m-1", true), ("", true)] {
            await fixture.handle(
                SentMessage(
                    body: "{\"referenceid\":\"R1\"}", kind: "recharge.status", correlation: "a", messageID: message,
                    isRedelivered: isRedelivered))
            let owed = try await fixture.ledger.unpublishedReplies(after: nil, limit: 10).replies
            try await fixture.ledger.markPublished(owed.map(\.id))
        }
        let told = fixture.broker.publications.map(\.message)
        #expect(fixture.replies.map { $0.text("outcome") } == ["pending", "pending", "succeeded", "succeeded", "pending", "succeeded"])
        try #require(told.count == 6)
        #expect(told[0] == told[1] && told[0] == told[4])
        #expect(told[2] == told[3])
        #expect(Set(told.map(\.properties.messageID)).count == 3)
        #expect(fixture.bos.calls.enquiries.count == 3)
    }

    @Test("a query of a recharge that is open in this ledger gets the reply pending, and its enquiry uses the recharge's own merchant")
    func unfinished() async {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [.found(.notFound, ScriptedBOS.answer)]
        let fixture = EngineFixture(script)
        await fixture.handle(EngineFixture.recharge())
        await fixture.handle("{\"referenceid\":\"R1\"}", kind: "recharge.status", correlation: "q")
        #expect(fixture.replies.map { $0.text("outcome") } == ["in_doubt", "pending"])
        #expect(fixture.replies.last?["final"] == .bool(true))
        await fixture.handle("{\"referenceid\":\"R2\"}", kind: "recharge.status", correlation: "q")
        #expect(fixture.replies.last?.text("outcome") == "not_found")
    }

    @Test("a query of a recharge that was sent to a former API is answered from the ledger, without an enquiry")
    func formerAPI() async {
        let fixture = EngineFixture()
        await fixture.handle(EngineFixture.recharge())
        var policy = EngineFixture.policy
        policy.destination = "another API"
        var script = ScriptedBOS.Script()
        script.enquiries = [.found(.notFound, ScriptedBOS.answer)]
        let moved = fixture.restarted(policy: policy, bos: ScriptedBOS(script))
        await moved.handle("{\"referenceid\":\"R1\"}", kind: "recharge.status", correlation: "q")
        #expect(moved.bos.calls.enquiries.isEmpty)
        let reply = moved.replies.last
        #expect(reply?.text("outcome") == "succeeded")
        #expect(reply?.text("evidence") == "answer")
        #expect(reply?.text("ackno") == "11224445565")
        #expect(reply?.text("attempts") == "0")
        // The reply is confirmed, so the same recipient's next question is a new one.
        moved.outbox.finish()
        await moved.outbox.runMarkPublished()
        policy.formerDestinations = ["bos"]
        let named = fixture.restarted(policy: policy, bos: ScriptedBOS(script))
        await named.handle(
            SentMessage(body: "{\"referenceid\":\"R1\"}", kind: "recharge.status", correlation: "q", messageID: "again"))
        #expect(named.bos.calls.enquiries == ["R1"])
    }

    @Test("a pending PAN application gets a reply and waits in the ledger")
    func pendingPANWaits() async throws {
        var script = ScriptedBOS.Script()
        script.panAnswers = [Self.pending("Application is under process at NSDL eGOV")]
        let fixture = EngineFixture(script)
        #expect(await fixture.handle("{\"refid\":\"P1\"}", kind: "pan.status") == .ack)
        let record = try #require(try await fixture.record("P1", kind: .panStatus))
        #expect(record.progress.state == .pending)
        #expect(record.owner == nil)
        #expect(try #require(record.progress.dueAt) > fixture.clock.now())
        #expect(fixture.replies.map { $0["final"] } == [.bool(false)])
    }

    @Test("the same pending message is published once, a changed message again, and the final result to each recipient")
    func panChangesPublished() async {
        var script = ScriptedBOS.Script()
        script.panAnswers = [
            Self.pending("under process"), Self.pending("under process"), Self.pending("under process at NSDL"),
            .found(.completed, ScriptedBOS.answer),
        ]
        let fixture = EngineFixture(script)
        for _ in 0..<4 {
            await fixture.handle("{\"refid\":\"P1\"}", kind: "pan.status")
            fixture.clock.advance(by: .seconds(86_400))
        }
        #expect(fixture.bos.calls.panChecks.count == 4)
        #expect(fixture.replies.map { $0.text("message") } == ["under process", "under process at NSDL", "done"])
    }

    @Test("a query without an answer of BOS is repeated after a pause")
    func unansweredQueryRepeated() async {
        var script = ScriptedBOS.Script()
        script.enquiries = [
            .unanswered(.unanswered, retryAfter: .seconds(3)), .unanswered(.notSent, retryAfter: nil),
            .found(.notFound, ScriptedBOS.answer),
        ]
        let fixture = EngineFixture(script)
        #expect(await fixture.handle("{\"referenceid\":\"R9\"}", kind: "recharge.status") == .ack)
        #expect(fixture.bos.calls.enquiries.count == 3)
        #expect(fixture.clock.uptime() >= .seconds(3))
        #expect(fixture.replies.map { $0.text("outcome") } == ["not_found"])
    }
}
