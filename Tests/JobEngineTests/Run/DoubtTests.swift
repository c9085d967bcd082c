import AMQP
import ExactJSON
import JobModel
import Ledger
import Testing

@testable import JobEngine

@Suite("Doubtful recharges", .timeLimit(.minutes(1)))
struct DoubtTests {
    private static let notFound = Enquiry.found(
        .notFound, Answer(httpStatus: 200, responseCode: 3, status: false, message: "no such transaction"))

    @Test("after a time-out BOS is asked, and the recharge is not sent again")
    func enquiry() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        let fixture = EngineFixture(script)
        let settlement = await fixture.handle(EngineFixture.recharge())
        #expect(settlement == .ack)
        #expect(fixture.bos.calls.recharges == ["R1"])
        #expect(fixture.bos.calls.enquiries == ["R1"])
        let reply = try #require(fixture.replies.first)
        #expect(reply.text("outcome") == "succeeded")
        #expect(reply.text("evidence") == "enquiry")
    }

    @Test("a doubt that lasts is told, stored with its due time, and its delivery let go of")
    func setAside() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [Self.notFound]
        let fixture = EngineFixture(script)
        let settlement = await fixture.handle(EngineFixture.recharge())
        #expect(settlement == .ack)
        #expect(fixture.bos.calls.recharges == ["R1"])
        #expect(fixture.clock.uptime() <= .seconds(60))
        let record = try #require(try await fixture.record())
        #expect(record.progress.state == .inDoubt)
        #expect(record.owner == nil)
        #expect(try #require(record.progress.dueAt) > fixture.clock.now())
        #expect(fixture.replies.map { $0.text("outcome") } == ["in_doubt"])
    }

    @Test("a job in doubt that comes again before it is due is told what is known, and nothing is asked")
    func repeatedInDoubt() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [Self.notFound]
        let fixture = EngineFixture(script)
        await fixture.handle(EngineFixture.recharge())
        let before = fixture.bos.calls
        await fixture.handle(EngineFixture.recharge(), correlation: "c2")
        #expect(fixture.bos.calls == before)
        #expect(fixture.replies.map { $0.text("outcome") } == ["in_doubt", "in_doubt"])
    }

    @Test("when the doubt is due and settled, everybody who asked gets the final reply")
    func settledLater() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [Self.notFound]
        let fixture = EngineFixture(script)
        await fixture.handle(EngineFixture.recharge(), correlation: "c1")
        await fixture.handle(EngineFixture.recharge(), correlation: "c2")
        fixture.clock.advance(by: .seconds(3_600))
        fixture.bos.play(ScriptedBOS.Script())
        let settlement = await fixture.handle(EngineFixture.recharge(), correlation: "c1")
        #expect(settlement == .ack)
        #expect(fixture.bos.calls.recharges == ["R1"])
        let final = fixture.broker.publications.filter { $0.routingKey == "recharge.succeeded" }
        #expect(Set(final.map(\.message.properties.correlationID)) == ["c1", "c2"])
        #expect(final.count == 2)
    }

    @Test("not found often and long enough is proof, and the recharge is sent again under the same reference")
    func resent() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil), .answered(.done, ScriptedBOS.answer)]
        script.enquiries = [Self.notFound]
        let fixture = EngineFixture(script)
        for _ in 0..<20 where fixture.bos.calls.recharges.count < 2 {
            await fixture.handle(EngineFixture.recharge())
            fixture.clock.advance(by: .seconds(600))
        }
        #expect(fixture.bos.calls.recharges == ["R1", "R1"])
        #expect(fixture.bos.calls.proofs == [.neverTaken, .settledNotFound])
        #expect(fixture.bos.calls.enquiries.count >= 3)
        #expect(try await fixture.record()?.progress.state == .succeeded)
    }

    @Test("a job that a crashed run left as sending is asked about, not sent")
    func crashed() async throws {
        let fixture = EngineFixture()
        let recharge = Recharge(
            operatorID: 311, subscriber: "9876543210", amount: Money(paise: 1_000), reference: "R1", registerID: "merchant")
        var progress = Progress()
        progress.state = .sending
        progress.attempts = 1
        let job = Job.recharge(recharge)
        _ = try await fixture.ledger.claim(
            Claim(
                job: job, fingerprint: job.fingerprint, asker: Asker(correlationID: "c1"), owner: "dead#1", now: fixture.clock.now(),
                progress: progress, entry: HistoryEntry(at: fixture.clock.now(), .accepted)))
        let settlement = await fixture.handle(EngineFixture.recharge())
        #expect(settlement == .ack)
        #expect(fixture.bos.calls.recharges.isEmpty)
        #expect(fixture.bos.calls.enquiries == ["R1"])
        #expect(fixture.replies.map { $0.text("evidence") } == ["enquiry"])
    }

    @Test(
        "a duplicate answer to a first sending is settled by an enquiry that names the subscriber, else a person gets it",
        arguments: [true, false])
    func duplicate(isNamed: Bool) async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.answered(.duplicateReference, Answer(httpStatus: 200, responseCode: 11, status: false))]
        let subject = Subject(subscriber: isNamed ? "9876543210" : nil, amount: "10", hasData: true)
        script.enquiries = [.found(.succeeded, ScriptedBOS.answer, subject)]
        let fixture = EngineFixture(script)
        await fixture.handle(EngineFixture.recharge())
        #expect(fixture.bos.calls.enquiries == ["R1"])
        #expect(fixture.replies.map { $0.text("outcome") } == [isNamed ? "succeeded" : "in_doubt"])
        #expect(try await fixture.record()?.progress.state == (isNamed ? .succeeded : .parked))
    }

    @Test("an enquiry about another recharge settles nothing, and the history says which comparison failed")
    func otherRecharge() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [
            .found(.succeeded, ScriptedBOS.answer, Subject(reference: "R1", subscriber: "9876543210", amount: "50", hasData: true))
        ]
        let fixture = EngineFixture(script)
        await fixture.handle(EngineFixture.recharge())
        #expect(fixture.replies.map { $0.text("outcome") } == ["in_doubt"])
        let history = try #require(try await fixture.ledger.job(.recharge, reference: "R1")?.history)
        #expect(history.contains { $0.detail.contains("an amount of 50 rupees, not 10") })
        #expect(!history.contains { $0.detail.contains("9876543210") })
    }

    @Test("a doubt at another API is left to a person after the move: nothing is asked and nothing is sent")
    func moved() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [Self.notFound]
        let fixture = EngineFixture(script)
        await fixture.handle(EngineFixture.recharge())
        var policy = EngineFixture.policy
        policy.destination = "elsewhere"
        let elsewhere = ScriptedBOS(script)
        let after = fixture.restarted(policy: policy, bos: elsewhere)
        after.clock.advance(by: .seconds(3_600))
        #expect(await after.handle(EngineFixture.recharge(), correlation: "c2") == .ack)
        #expect(elsewhere.calls == ScriptedBOS.Calls())
        #expect(try await after.record()?.progress.state == .parked)
        let total = try await after.ledger.doubtsSentElsewhere(than: "elsewhere")
        #expect(total.count == 1)
        #expect(total.amount == Money(paise: 1_000))
    }

    @Test("by default a recharge that BOS does not know is sent once, and a person gets it after the window")
    func leftToPerson() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [Self.notFound]
        var policy = EngineFixture.policy
        policy.settle.notFound = .person
        let fixture = EngineFixture(script, policy: policy)
        for _ in 0..<10 {
            await fixture.handle(EngineFixture.recharge())
            fixture.clock.advance(by: .seconds(600))
        }
        #expect(fixture.bos.calls.recharges == ["R1"])
        #expect(try await fixture.record()?.progress.state == .parked)
        #expect(Set(fixture.replies.map { $0.text("outcome") }) == ["in_doubt"])
    }
}
