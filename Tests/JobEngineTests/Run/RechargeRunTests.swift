import AMQP
import ExactJSON
import JobModel
import Ledger
import Synchronization
import Testing

@testable import JobEngine

@Suite("A recharge from delivery to reply", .timeLimit(.minutes(1)))
struct RechargeRunTests {
    @Test("the intent is stored before the call, the result before the reply, and the ack comes last")
    func storeBeforeCallAndReply() async throws {
        let fixture = EngineFixture()
        let seen = Mutex<[String]>([])
        let ledger = fixture.ledger
        var script = ScriptedBOS.Script()
        script.duringRecharge = { recharge in
            let state = try? await ledger.job(.recharge, reference: recharge.reference)?.record.progress.state
            seen.withLock { $0.append("called while \(state?.rawValue ?? "unknown")") }
        }
        fixture.bos.play(script)
        fixture.broker.onPublish { _ in
            let state = try? await ledger.job(.recharge, reference: "R1")?.record.progress.state
            seen.withLock { $0.append("published while \(state?.rawValue ?? "unknown")") }
        }
        let settlement = await fixture.handle(EngineFixture.recharge())
        #expect(settlement == .ack)
        #expect(seen.withLock { $0 } == ["called while sending", "published while succeeded"])
        #expect(fixture.bos.calls.recharges == ["R1"])
    }

    @Test("a reply carries the answer of BOS, and the recipient's correlation id and trace")
    func replyContent() async throws {
        let fixture = EngineFixture()
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        await fixture.handle(
            SentMessage(body: EngineFixture.recharge(), correlation: "mine", replyTo: "upstream.replies", traceparent: trace))
        let publication = try #require(fixture.broker.publications.first)
        #expect(publication.exchange == "bos.replies")
        #expect(publication.routingKey == "upstream.replies")
        #expect(publication.message.properties.correlationID == "mine")
        #expect(publication.message.properties.type == "recharge.reply")
        #expect(publication.message.properties.headers["traceparent"] == .string(trace))
        #expect(fixture.bos.calls.traceparents == [trace])
        let reply = try #require(fixture.replies.first)
        #expect(reply.text("outcome") == "succeeded")
        #expect(reply.text("operatorid") == "1111122233")
        #expect(reply.text("ackno") == "11224445565")
    }

    @Test("without a reply address the routing key consists of kind and outcome")
    func defaultAddress() async {
        let fixture = EngineFixture()
        await fixture.handle(EngineFixture.recharge())
        #expect(fixture.broker.publications.map(\.routingKey) == ["recharge.succeeded"])
    }

    @Test("a repeated job gets the same reply and is not sent again")
    func repeatedJob() async {
        let fixture = EngineFixture()
        await fixture.handle(EngineFixture.recharge())
        let settlement = await fixture.handle(EngineFixture.recharge(amount: "\"10.00\""))
        #expect(settlement == .ack)
        #expect(fixture.bos.calls.recharges == ["R1"])
        let publications = fixture.broker.publications
        #expect(publications.count == 2)
        #expect(publications.first == publications.last)
    }

    @Test("the same job from another recipient gets its own reply with the same content")
    func otherRequester() async {
        let fixture = EngineFixture()
        await fixture.handle(EngineFixture.recharge(), correlation: "a")
        await fixture.handle(EngineFixture.recharge(), correlation: "b")
        let messages = fixture.broker.publications.map(\.message)
        #expect(messages.map(\.properties.correlationID) == ["a", "b"])
        #expect(Set(messages.map(\.properties.messageID)).count == 2)
        #expect(Set(messages.map(\.body)).count == 1)
        #expect(fixture.bos.calls.recharges == ["R1"])
    }

    @Test("a second delivery during the call joins the run, and both recipients get a reply")
    func joinedRun() async {
        let fixture = EngineFixture()
        var script = ScriptedBOS.Script()
        let second = Mutex<Task<Settlement?, Never>?>(nil)
        script.duringRecharge = { _ in
            // This is a task of its own, because the second delivery is held until this call ends.
            second.withLock { $0 = Task { await fixture.handle(EngineFixture.recharge(), correlation: "second") } }
            while fixture.ledger.claims < 2, !Task.isCancelled { await Task.yield() }
        }
        fixture.bos.play(script)
        await fixture.handle(EngineFixture.recharge(), correlation: "first")
        #expect(await second.withLock { $0 }?.value == .ack)
        #expect(fixture.broker.publications.count == 2)
        #expect(fixture.bos.calls.recharges == ["R1"])
        #expect(Set(fixture.broker.publications.map(\.message.properties.correlationID)) == ["first", "second"])
    }

    @Test("a copy that joined a run is acknowledged at once; if the run ends without a result, its own delivery resumes the job")
    func joinedRunWithoutResult() async throws {
        let fixture = EngineFixture()
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.credentialsRefused)]
        script.probe = .unanswered(.credentialsRefused, retryAfter: nil)
        let second = Mutex<Task<Settlement?, Never>?>(nil)
        script.duringRecharge = { _ in
            guard second.withLock({ $0 == nil }) else { return }
            second.withLock { $0 = Task { await fixture.handle(EngineFixture.recharge(), correlation: "second") } }
            while fixture.ledger.claims < 2, !Task.isCancelled { await Task.yield() }
        }
        fixture.bos.play(script)
        #expect(await fixture.handle(EngineFixture.recharge(), correlation: "first") == .requeue)
        #expect(await second.withLock { $0 }?.value == .ack)
        #expect(fixture.broker.publications.isEmpty)
        #expect(try await fixture.record()?.progress.state == .accepted)
    }

    @Test("the same reference with another amount is refused, and the job is unchanged")
    func referenceConflict() async throws {
        let fixture = EngineFixture()
        await fixture.handle(EngineFixture.recharge())
        let settlement = await fixture.handle(EngineFixture.recharge(amount: "11"), correlation: "c2")
        #expect(settlement == .ack)
        #expect(fixture.bos.calls.recharges == ["R1"])
        let refusal = try #require(fixture.replies.last)
        #expect(refusal.text("outcome") == "refused")
        #expect(refusal["error"]?.text("code") == "reference_conflict")
        #expect(try await fixture.record()?.progress.state == .succeeded)
    }

    @Test("a job whose deadline has passed gets the reply expired and is never sent")
    func expiredJob() async {
        let fixture = EngineFixture()
        let settlement = await fixture.handle(EngineFixture.recharge(expiresAt: "2020-01-01T00:00:00Z"))
        #expect(settlement == .ack)
        #expect(fixture.bos.calls == ScriptedBOS.Calls())
        #expect(fixture.replies.map { $0.text("outcome") } == ["expired"])
    }

    @Test("a recharge that certainly was not executed is sent again until it is answered")
    func notSentIsRepeated() async {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.notSent), .notTaken(.throttled(retryAfter: .seconds(2))), .answered(.done, ScriptedBOS.answer)]
        let fixture = EngineFixture(script)
        let settlement = await fixture.handle(EngineFixture.recharge())
        #expect(settlement == .ack)
        #expect(fixture.bos.calls.proofs == [.neverTaken, .neverTaken, .neverTaken])
        #expect(fixture.clock.uptime() >= .seconds(2))
        #expect(fixture.replies.map { $0.text("outcome") } == ["succeeded"])
    }
}
