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

    @Test("after a time-out the worker enquires, and does not send the recharge again")
    func timeOutLeadsToEnquiry() async throws {
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

    @Test("a lasting doubt is published and stored with its due time, and its delivery is acknowledged")
    func lastingDoubtDeferred() async throws {
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

    @Test("a job in doubt that is delivered again before it is due gets the known reply without an enquiry")
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

    @Test("when an enquiry resolves a doubt, each recipient gets the final reply")
    func resolvedLater() async throws {
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

    @Test("enough answers \"not found\" over enough time are proof, and the recharge is sent again under its reference")
    func resentAfterNotFound() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil), .answered(.done, ScriptedBOS.answer)]
        script.enquiries = [Self.notFound]
        let fixture = EngineFixture(script)
        for _ in 0..<20 where fixture.bos.calls.recharges.count < 2 {
            await fixture.handle(EngineFixture.recharge())
            fixture.clock.advance(by: .seconds(600))
        }
        #expect(fixture.bos.calls.recharges == ["R1", "R1"])
        #expect(fixture.bos.calls.proofs == [.neverTaken, .confirmedNotFound])
        #expect(fixture.bos.calls.enquiries.count >= 3)
        #expect(try await fixture.record()?.progress.state == .succeeded)
    }

    @Test("a job that a crashed run left in the state sending is enquired about, not sent")
    func crashedWhileSending() async throws {
        let fixture = EngineFixture()
        let recharge = Recharge(
            operatorID: 311, subscriber: "9876543210", amount: Money(paise: 1_000), reference: "R1", registerID: "merchant")
        var progress = Progress()
        progress.state = .sending
        progress.attempts = 1
        let job = Job.recharge(recharge)
        _ = try await fixture.ledger.claim(
            Claim(
                job: job, fingerprint: job.fingerprint, recipient: ReplyRecipient(correlationID: "c1"), owner: "dead#1",
                now: fixture.clock.now(),
                progress: progress, entry: HistoryEntry(at: fixture.clock.now(), .accepted)))
        let settlement = await fixture.handle(EngineFixture.recharge())
        #expect(settlement == .ack)
        #expect(fixture.bos.calls.recharges.isEmpty)
        #expect(fixture.bos.calls.enquiries == ["R1"])
        #expect(fixture.replies.map { $0.text("evidence") } == ["enquiry"])
    }

    @Test(
        "an answer \"duplicate\" to a first sending is resolved by an enquiry that names the subscriber, or else by a person",
        arguments: [true, false])
    func duplicateAnswerToFirstSending(isNamed: Bool) async throws {
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

    @Test("an enquiry's answer about another recharge resolves nothing, and the history names the failed comparison")
    func answerAboutOtherRecharge() async throws {
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

    @Test("after a move to another API a doubt is left to a person: no enquiry and no recharge is sent")
    func doubtAfterMove() async throws {
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

    @Test("by default a recharge that BOS does not know is sent only once, and is left to a person after the window")
    func notFoundLeftToPerson() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [Self.notFound]
        var policy = EngineFixture.policy
        policy.notFound.meaning = .person
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
