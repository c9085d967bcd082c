import AMQP
import ExactJSON
import JobModel
import Ledger
import Testing

@testable import JobEngine

@Suite("The same purchase under a new reference", .timeLimit(.minutes(1)))
struct PurchaseGuardTests {
    private static let refusing = PurchaseGuard(window: .seconds(600), action: .refuse)
    private static let parking = PurchaseGuard(window: .seconds(600), action: .park)

    @Test("is a new purchase without the guard")
    func withoutGuard() async {
        let fixture = EngineFixture()
        await fixture.handle(EngineFixture.recharge("R1"))
        await fixture.handle(EngineFixture.recharge("R2"))
        #expect(fixture.bos.calls.recharges == ["R1", "R2"])
    }

    @Test("is refused within the window and never sent, however often it is delivered; the reply names the earlier recharge")
    func refusedWithinWindow() async throws {
        let fixture = EngineFixture(purchaseGuard: Self.refusing)
        await fixture.handle(EngineFixture.recharge("R1"))
        fixture.clock.advance(by: .seconds(600))
        for _ in 1...2 { #expect(await fixture.handle(EngineFixture.recharge("R2", amount: "\"10.00\"")) == .ack) }
        #expect(fixture.bos.calls.recharges == ["R1"])
        let reply = try #require(fixture.replies.last)
        #expect(reply.text("outcome") == "refused")
        #expect(reply["final"] == .bool(true))
        #expect(reply["error"]?.text("code") == "duplicate_purchase")
        #expect(reply["error"]?.text("detail")?.contains("recharge R1") == true)
        #expect(reply["attempts"]?.text == "0")
        #expect(
            fixture.broker.publications.suffix(2).map(\.message.body).allSatisfy { $0 == fixture.broker.publications.last?.message.body })
        let stored = try #require(await fixture.ledger.job(.recharge, reference: "R2"))
        #expect(stored.record.progress.state == .refused)
        #expect(stored.history.map(\.detail) == ["refused; same purchase as recharge R1"])
    }

    @Test("is a new purchase after the window, for another subscriber, and for another amount")
    func newPurchases() async {
        let fixture = EngineFixture(purchaseGuard: Self.refusing)
        await fixture.handle(EngineFixture.recharge("R1"))
        await fixture.handle(EngineFixture.recharge("R2", subscriber: "9876543211"))
        await fixture.handle(EngineFixture.recharge("R3", amount: "11"))
        fixture.clock.advance(by: .seconds(601))
        await fixture.handle(EngineFixture.recharge("R4"))
        #expect(fixture.bos.calls.recharges == ["R1", "R2", "R3", "R4"])
    }

    @Test("is a new purchase if BOS refused the earlier recharge")
    func afterRefusalByBOS() async {
        var script = ScriptedBOS.Script()
        let answer = Answer(httpStatus: 200, responseCode: 3, status: false, message: "no")
        script.recharges = [.answered(.refused(isFinal: true), answer)]
        let fixture = EngineFixture(script, purchaseGuard: Self.refusing)
        await fixture.handle(EngineFixture.recharge("R1"))
        await fixture.handle(EngineFixture.recharge("R2"))
        #expect(fixture.bos.calls.recharges == ["R1", "R2"])
    }

    @Test("is refused while the earlier recharge is in doubt, because an upstream then tends to publish it under a new reference")
    func afterDoubt() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [.unanswered(.unanswered, retryAfter: .seconds(60))]
        let fixture = EngineFixture(script, purchaseGuard: Self.refusing)
        await fixture.handle(EngineFixture.recharge("R1"))
        #expect(try await fixture.record("R1")?.progress.state == .inDoubt)
        await fixture.handle(EngineFixture.recharge("R2"))
        #expect(fixture.bos.calls.recharges == ["R1"])
        #expect(try await fixture.record("R2")?.progress.state == .refused)
    }

    @Test("is held for a person if so configured, has the reply pending, and is sent once when the person allows it")
    func heldForPerson() async throws {
        let fixture = EngineFixture(purchaseGuard: Self.parking)
        await fixture.handle(EngineFixture.recharge("R1"))
        #expect(await fixture.handle(EngineFixture.recharge("R2")) == .ack)
        let reply = try #require(fixture.replies.last)
        #expect(reply.text("outcome") == "pending")
        #expect(reply["final"] == .bool(false))
        #expect(reply["error"]?.text("code") == "duplicate_purchase")
        fixture.clock.advance(by: .seconds(86_400))
        #expect(try await fixture.poll().isEmpty)
        #expect(await fixture.restarted().handle(EngineFixture.recharge("R2")) == .ack)
        #expect(fixture.bos.calls.recharges == ["R1"])

        try await retry("R2", in: fixture)
        #expect(try await fixture.poll() == [.ack])
        #expect(fixture.bos.calls.recharges == ["R1", "R2"])
        #expect(fixture.replies.last?.text("outcome") == "succeeded")
    }

    @Test("is refused while the earlier recharge is open, however long the queue was unavailable")
    func afterOutage() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [.unanswered(.unanswered, retryAfter: .seconds(60))]
        let fixture = EngineFixture(script, purchaseGuard: Self.refusing)
        await fixture.handle(EngineFixture.recharge("R1"))
        fixture.clock.advance(by: .seconds(86_400))
        await fixture.handle(EngineFixture.recharge("R2"))
        #expect(fixture.bos.calls.recharges == ["R1"])
        #expect(try await fixture.record("R2")?.progress.state == .refused)
    }

    @Test("expires unsent when its deadline passes without a person's decision")
    func heldTooLong() async throws {
        let fixture = EngineFixture(purchaseGuard: Self.parking)
        await fixture.handle(EngineFixture.recharge("R1"))
        let deadline = fixture.clock.now() + .seconds(300)
        await fixture.handle(EngineFixture.recharge("R2", expiresAt: deadline.rfc3339))
        fixture.clock.advance(by: .seconds(300))
        #expect(try await fixture.poll().isEmpty)
        fixture.clock.advance(by: .seconds(1))
        #expect(try await fixture.poll() == [.ack])
        #expect(fixture.bos.calls.recharges == ["R1"])
        let reply = try #require(fixture.replies.last)
        #expect(reply.text("outcome") == "expired")
        #expect(reply["final"] == .bool(true))
        #expect(reply["error"]?.text("code") == "deadline_passed")
    }

    @Test("is held for the third reference too while the second is held")
    func thirdReferenceHeld() async throws {
        let fixture = EngineFixture(purchaseGuard: Self.parking)
        for reference in ["R1", "R2", "R3"] { await fixture.handle(EngineFixture.recharge(reference)) }
        #expect(fixture.bos.calls.recharges == ["R1"])
        #expect(fixture.replies.last?["error"]?.text("detail")?.contains("recharge R2") == true)
    }

    /// What `bosctl retry` does.
    private func retry(_ reference: String, in fixture: EngineFixture) async throws {
        let known = try #require(await fixture.record(reference))
        guard case .recharge(let recharge) = known.job else { return }
        let now = fixture.clock.moment
        var machine = RechargeMachine(recharge, acceptedAt: known.acceptedAt, progress: known.progress, policy: RetryPolicy())
        let isDue = machine.retry(at: now)
        #expect(isDue)
        var claim = Claim(
            job: known.job, fingerprint: known.fingerprint, recipient: nil, owner: "person", now: now.wallClock, progress: known.progress,
            entry: HistoryEntry(at: now.wallClock, .resumed))
        claim.isFromOperator = true
        _ = try await fixture.ledger.claim(claim)
        let entry = HistoryEntry(at: now.wallClock, .released)
        _ = try await fixture.ledger.update(
            Update(jobID: known.id, owner: "person", progress: machine.progress, keepsOwnership: false, entry: entry))
    }
}
