import AMQP
import ExactJSON
import JobModel
import Ledger
import Synchronization
import Testing

@testable import JobEngine

@Suite("The way of a recharge", .timeLimit(.minutes(1)))
struct RechargeRunTests {
    @Test("the intent is stored before the call, the verdict before the reply, and the ack comes last")
    func order() async throws {
        let workshop = Workshop()
        let seen = Mutex<[String]>([])
        let ledger = workshop.ledger
        var script = ScriptedBOS.Script()
        script.duringRecharge = { recharge in
            let state = try? await ledger.job(.recharge, reference: recharge.reference)?.record.progress.state
            seen.withLock { $0.append("called while \(state?.rawValue ?? "unknown")") }
        }
        workshop.bos.play(script)
        workshop.broker.onPublish { _ in
            let state = try? await ledger.job(.recharge, reference: "R1")?.record.progress.state
            seen.withLock { $0.append("published while \(state?.rawValue ?? "unknown")") }
        }
        let settlement = await workshop.handle(Workshop.recharge())
        #expect(settlement == .ack)
        #expect(seen.withLock { $0 } == ["called while sending", "published while succeeded"])
        #expect(workshop.bos.calls.recharges == ["R1"])
    }

    @Test("a reply carries what BOS said, the asker's correlation and trace")
    func reply() async throws {
        let workshop = Workshop()
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        await workshop.handle(Workshop.recharge(), correlation: "mine", replyTo: "upstream.replies", traceparent: trace)
        let publication = try #require(workshop.broker.publications.first)
        #expect(publication.exchange == "bos.replies")
        #expect(publication.routingKey == "upstream.replies")
        #expect(publication.message.properties.correlationID == "mine")
        #expect(publication.message.properties.type == "recharge.reply")
        #expect(publication.message.properties.headers["traceparent"] == .string(trace))
        #expect(workshop.bos.calls.traceparents == [trace])
        let reply = try #require(workshop.replies.first)
        #expect(reply.text("outcome") == "succeeded")
        #expect(reply.text("operatorid") == "1111122233")
        #expect(reply.text("ackno") == "11224445565")
    }

    @Test("without a reply address the routing key is kind and outcome")
    func defaultAddress() async {
        let workshop = Workshop()
        await workshop.handle(Workshop.recharge())
        #expect(workshop.broker.publications.map(\.routingKey) == ["recharge.succeeded"])
    }

    @Test("a repeated job is answered with the same reply and not sent again")
    func repeated() async {
        let workshop = Workshop()
        await workshop.handle(Workshop.recharge())
        let settlement = await workshop.handle(Workshop.recharge(amount: "\"10.00\""))
        #expect(settlement == .ack)
        #expect(workshop.bos.calls.recharges == ["R1"])
        let publications = workshop.broker.publications
        #expect(publications.count == 2)
        #expect(publications.first == publications.last)
    }

    @Test("the same job from another asker gets a reply of its own with the same content")
    func otherAsker() async {
        let workshop = Workshop()
        await workshop.handle(Workshop.recharge(), correlation: "a")
        await workshop.handle(Workshop.recharge(), correlation: "b")
        let messages = workshop.broker.publications.map(\.message)
        #expect(messages.map(\.properties.correlationID) == ["a", "b"])
        #expect(Set(messages.map(\.properties.messageID)).count == 2)
        #expect(Set(messages.map(\.body)).count == 1)
        #expect(workshop.bos.calls.recharges == ["R1"])
    }

    @Test("a job that arrives while it is being sent joins it, and both askers are answered")
    func joined() async {
        let workshop = Workshop()
        var script = ScriptedBOS.Script()
        let second = Mutex<Task<Settlement?, Never>?>(nil)
        script.duringRecharge = { _ in
            // A task of its own, since the second delivery is held until this call is over.
            second.withLock { $0 = Task { await workshop.handle(Workshop.recharge(), correlation: "second") } }
            while workshop.ledger.claims < 2, !Task.isCancelled { await Task.yield() }
        }
        workshop.bos.play(script)
        await workshop.handle(Workshop.recharge(), correlation: "first")
        #expect(await second.withLock { $0 }?.value == .ack)
        #expect(workshop.broker.publications.count == 2)
        #expect(workshop.bos.calls.recharges == ["R1"])
        #expect(Set(workshop.broker.publications.map(\.message.properties.correlationID)) == ["first", "second"])
    }

    @Test("a copy that joined a run is let go of at once; the run's own delivery brings the job back where it ends without a result")
    func joinedInVain() async throws {
        let workshop = Workshop()
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.credentialsRefused)]
        script.probe = .unanswered(.credentialsRefused, retryAfter: nil)
        let second = Mutex<Task<Settlement?, Never>?>(nil)
        script.duringRecharge = { _ in
            guard second.withLock({ $0 == nil }) else { return }
            second.withLock { $0 = Task { await workshop.handle(Workshop.recharge(), correlation: "second") } }
            while workshop.ledger.claims < 2, !Task.isCancelled { await Task.yield() }
        }
        workshop.bos.play(script)
        #expect(await workshop.handle(Workshop.recharge(), correlation: "first") == .requeue)
        #expect(await second.withLock { $0 }?.value == .ack)
        #expect(workshop.broker.publications.isEmpty)
        #expect(try await workshop.record()?.progress.state == .accepted)
    }

    @Test("the same reference with another amount is refused and leaves the job alone")
    func conflict() async throws {
        let workshop = Workshop()
        await workshop.handle(Workshop.recharge())
        let settlement = await workshop.handle(Workshop.recharge(amount: "11"), correlation: "c2")
        #expect(settlement == .ack)
        #expect(workshop.bos.calls.recharges == ["R1"])
        let refusal = try #require(workshop.replies.last)
        #expect(refusal.text("outcome") == "refused")
        #expect(refusal["error"]?.text("code") == "reference_conflict")
        #expect(try await workshop.record()?.progress.state == .succeeded)
    }

    @Test("a job whose time is over is answered with expired and never sent")
    func expired() async {
        let workshop = Workshop()
        let settlement = await workshop.handle(Workshop.recharge(expiresAt: "2020-01-01T00:00:00Z"))
        #expect(settlement == .ack)
        #expect(workshop.bos.calls == ScriptedBOS.Calls())
        #expect(workshop.replies.map { $0.text("outcome") } == ["expired"])
    }

    @Test("what certainly was not sent is sent again until it is answered")
    func notSent() async {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.notSent), .notTaken(.throttled(retryAfter: .seconds(2))), .answered(.done, ScriptedBOS.answer)]
        let workshop = Workshop(script)
        let settlement = await workshop.handle(Workshop.recharge())
        #expect(settlement == .ack)
        #expect(workshop.bos.calls.proofs == [.neverTaken, .neverTaken, .neverTaken])
        #expect(workshop.clock.uptime() >= .seconds(2))
        #expect(workshop.replies.map { $0.text("outcome") } == ["succeeded"])
    }
}
