import AMQP
import InMemoryLogging
import JobModel
import Ledger
import LedgerKit
import Logging
import Testing

@testable import JobEngine

/// Only one task publishes a reply, however slow another one is.
@Suite("Outbox", .timeLimit(.minutes(1))) struct OutboxTests {
    private let fixture = EngineFixture()
    private var outbox: Outbox { fixture.outbox }

    @Test("an unconfirmed reply stays owed and is published later under the same message id")
    func unconfirmedStaysOwed() async throws {
        fixture.broker.fail([.outcomeUnknown("lost")])
        #expect(await fixture.handle(EngineFixture.recharge()) == .ack)
        #expect(fixture.broker.publications.isEmpty)
        let owed = try await owed
        #expect(owed.count == 1)
        await outbox.sweep()
        #expect(published == owed.map(\.messageID))
        await mark(outbox)
        #expect(try await self.owed.isEmpty)
    }

    @Test("the first sweep publishes the backlog of an earlier process, and leaves newly stored replies to their run")
    func backlogAtStart() async throws {
        fixture.broker.fail([.outcomeUnknown("lost")])
        await fixture.handle(EngineFixture.recharge())
        let left = try await owed
        let next = fixture.restarted()
        await next.outbox.loadBacklog()
        let stored = try await store()
        await next.outbox.sweep()
        #expect(published == left.map(\.messageID))
        await next.outbox.deliver(new: stored)
        await next.outbox.sweep()
        await mark(next.outbox)
        #expect(published == (left + stored).map(\.messageID))
        #expect(try await owed.isEmpty)
    }

    @Test("a reply that its run publishes after a sweep has read it as owed is published once")
    func deliveredDuringSweep() async throws {
        let stored = try await store()
        try await leaveOneUnconfirmed()
        fixture.ledger.afterRead {
            await outbox.deliver(new: stored)
            await mark(outbox)
        }
        await outbox.sweep()
        #expect(published.count == 2)
        #expect(Set(published).count == 2)
    }

    @Test("a reply that is marked after a sweep has read it as owed is published once")
    func markedDuringSweep() async throws {
        try await leaveOneUnconfirmed("R2")
        let next = fixture.restarted()
        await next.outbox.loadBacklog()
        await next.outbox.sweep()
        fixture.broker.fail([.outcomeUnknown("lost")])
        await next.handle(EngineFixture.recharge("R3"))
        fixture.ledger.afterRead { await mark(next.outbox) }
        await next.outbox.sweep()
        #expect(published.count == 2)
        #expect(Set(published).count == 2)
    }

    @Test("a reply that another process has stored and not published is published by this one")
    func storedByAnotherProcess() async throws {
        let relay = Task { await outbox.runRelay() }
        let stored = try await store()
        await eventually { !published.isEmpty }
        relay.cancel()
        await relay.value
        #expect(Set(published) == Set(stored.map(\.messageID)))
    }

    @Test("after a sweep that could not read the ledger, the next sweep publishes")
    func readFailureDuringSweep() async throws {
        try await leaveOneUnconfirmed()
        fixture.ledger.failReads(1)
        await outbox.sweep()
        #expect(published.isEmpty)
        await outbox.sweep()
        #expect(published.count == 1)
    }

    @Test("every reply and every dead letter is published as mandatory")
    func mandatory() async {
        await fixture.handle(EngineFixture.recharge(), replyTo: "upstream")
        await fixture.handle(EngineFixture.recharge("R2"), replyTo: "amq.gen-x")
        await fixture.handle("{")
        #expect(fixture.broker.publications.map(\.exchange).sorted() == ["", "bos.dead", "bos.replies", "bos.replies"])
        let optional = fixture.broker.publications.filter { !$0.isMandatory }
        #expect(optional.isEmpty)
    }

    @Test(
        "an unroutable reply goes to the unrouted exchange; if it is unroutable there too, it stays owed and is named in the log once")
    func unroutableReply() async throws {
        let log = InMemoryLogHandler()
        let fixture = EngineFixture(logger: Logger(label: "test") { _ in log })
        fixture.broker.fail(.returned(code: 312, text: "NO_ROUTE"), at: "bos.replies", "bos.unrouted")
        #expect(await fixture.handle(EngineFixture.recharge()) == .ack)
        for _ in 0..<5 {
            fixture.clock.advance(by: .seconds(60))
            await fixture.outbox.sweep()
        }
        #expect(fixture.broker.publications.isEmpty)
        let logged = log.entries.filter { $0.level == .error && $0.metadata["event"] == "reply.not_published" }
        #expect(logged.count == 1 && logged.allSatisfy { $0.metadata["error"]?.description.contains("NO_ROUTE") == true })
        fixture.broker.fail(nil, at: "bos.unrouted")
        fixture.clock.advance(by: .seconds(60))
        await fixture.outbox.sweep()
        #expect(fixture.broker.publications.map(\.exchange) == ["bos.unrouted"])
        let kept = log.entries.filter { $0.metadata["event"] == "reply.unroutable" }
        #expect(kept.map { $0.metadata["routing_key"]?.description } == ["recharge.succeeded"])
        #expect(log.entries.contains { $0.metadata["event"] == "reply.published_late" })
        await mark(fixture.outbox)
        #expect(try await fixture.ledger.unpublishedReplies(after: nil, limit: 10).replies.isEmpty)
    }

    @Test("a reply that the broker turns down stops no other, is logged once, and is tried again after a minute, then ever less often")
    func turnedDownReply() async throws {
        let log = InMemoryLogHandler()
        let fixture = EngineFixture(logger: Logger(label: "test") { _ in log })
        fixture.broker.fail(.turnedDown(code: 403, text: "ACCESS_REFUSED"), at: "")
        #expect(await fixture.handle(EngineFixture.recharge(), replyTo: "amq.gen-x") == .ack)
        #expect(await fixture.handle(EngineFixture.recharge("R2")) == .ack)
        #expect(fixture.broker.publications.count == 1)
        for seconds in [60, 120, 240] {
            fixture.broker.fail(.notSent("not tried yet"), at: "")
            fixture.clock.advance(by: .seconds(seconds - 1))
            await fixture.outbox.sweep()
            fixture.broker.fail(.turnedDown(code: 403, text: "ACCESS_REFUSED"), at: "")
            fixture.clock.advance(by: .seconds(1))
            await fixture.outbox.sweep()
        }
        #expect(log.entries.count { $0.metadata["event"] == "reply.not_published" } == 1)
        fixture.broker.fail(nil, at: "")
        fixture.clock.advance(by: .seconds(480))
        await fixture.outbox.sweep()
        #expect(fixture.broker.publications.count == 2)
    }

    @Test(
        "a direct reply is published without mandatory if its caller listens, and goes to the unrouted exchange if the caller is gone"
    )
    func directReply() async throws {
        fixture.broker.callersGo("amq.rabbitmq.reply-to.b.k")
        await fixture.handle(EngineFixture.recharge(), replyTo: "amq.rabbitmq.reply-to.a.k")
        await fixture.handle(EngineFixture.recharge("R2"), replyTo: "amq.rabbitmq.reply-to.b.k")
        fixture.broker.fail(.notAsked("no answer"), at: "?")
        await fixture.handle(EngineFixture.recharge("R3"), replyTo: "amq.rabbitmq.reply-to.c.k")
        #expect(fixture.broker.publications.map(\.exchange) == ["", "bos.unrouted"])
        #expect(fixture.broker.publications.map(\.isMandatory) == [false, true])
        await mark(outbox)
        #expect(try await owed.count == 1)
    }

    @Test("a queue that refuses replies is logged once with its routing key, and once more when it takes them again")
    func refusingQueue() async throws {
        let log = InMemoryLogHandler()
        let fixture = EngineFixture(logger: Logger(label: "test") { _ in log })
        func logged(_ event: Logger.MetadataValue) -> [InMemoryLogHandler.Entry] { log.entries.filter { $0.metadata["event"] == event } }
        fixture.broker.fail(.refused, at: "bos.replies")
        for reference in ["R1", "R2", "R3"] { await fixture.handle(EngineFixture.recharge(reference), replyTo: "billing") }
        #expect(logged("reply.refused").isEmpty)
        for _ in 0..<5 {
            fixture.clock.advance(by: .seconds(60))
            await fixture.outbox.sweep()
        }
        #expect(logged("reply.refused").count == 1)
        #expect(logged("reply.refused").first?.metadata["routing_key"] == "billing")
        fixture.broker.fail(nil, at: "bos.replies")
        fixture.clock.advance(by: .seconds(60))
        await fixture.outbox.sweep()
        #expect(fixture.broker.publications.count == 3)
        #expect(logged("reply.accepted").count == 1)
    }

    @Test("an unconfirmed reply is tried again at once, then after pauses that double up to a minute; a missing broker does not count")
    func pausesDouble() {
        var trouble: ReplyTrouble?
        func pause(_ error: PublishError) -> Duration {
            let next = ReplyTrouble(error, isRepeat: false, after: trouble, at: .seconds(100))
            trouble = next
            return next.dueAt - .seconds(100)
        }
        let first = (0..<5).map { _ in pause(.refused) }
        #expect(first == [0, 1, 2, 4, 8].map { .seconds($0) })
        #expect(pause(.notSent("away")) == .zero)
        #expect(pause(.outcomeUnknown("lost")) == .seconds(16))
        for _ in 0..<100 { #expect(pause(.refused) <= .seconds(60)) }
        #expect(pause(.invalid("too long")) == .seconds(900))
    }

    @Test("a reply that cannot be put on the wire is tried again, but not in every sweep")
    func unencodableReply() async throws {
        fixture.broker.fail([.invalid("too long")])
        await fixture.handle(EngineFixture.recharge())
        let next = fixture.restarted()
        await next.outbox.loadBacklog()
        fixture.broker.fail([.invalid("too long"), .outcomeUnknown("not reached")])
        await next.outbox.sweep()
        await next.outbox.sweep()
        #expect(published.isEmpty)
        #expect(fixture.broker.hasFailuresLeft)
        let relay = Task { await next.outbox.runRelay() }
        await eventually { !published.isEmpty }
        relay.cancel()
        await relay.value
    }

    @Test("a confirmed reply that cannot be marked is not published again, and is marked once the ledger can be written")
    func markFailure() async throws {
        fixture.ledger.failMarks(100)
        await fixture.handle(EngineFixture.recharge())
        let tasks = [Task { await outbox.runRelay() }, Task { await outbox.runMarkPublished() }]
        await eventually { try await owed.isEmpty }
        outbox.finish()
        for task in tasks { await task.value }
        #expect(published.count == 1)
    }

    @Test("a recipient that asks again gets the reply again, and a reply that the broker does not confirm is owed again")
    func repeatedReply() async throws {
        await fixture.handle(EngineFixture.recharge())
        await mark(outbox)
        #expect(try await owed.isEmpty)
        let next = fixture.restarted()
        fixture.broker.fail([.notSent("away")])
        #expect(await next.handle(EngineFixture.recharge()) == .ack)
        #expect(published.count == 1)
        #expect(try await owed.count == 1)
        await next.outbox.sweep()
        await mark(next.outbox)
        #expect(published.count == 2)
        #expect(Set(published).count == 1)
        #expect(try await owed.isEmpty)
        #expect(fixture.bos.calls.recharges.count == 1)
    }

    @Test("a reply whose row cannot be read stops no other, and is logged once")
    func unreadableRow() async throws {
        let log = InMemoryLogHandler()
        let outbox = Outbox(
            publisher: fixture.broker, ledger: fixture.ledger, configuration: EngineConfiguration(), clock: fixture.clock,
            metrics: EngineMetrics(), logger: Logger(label: "test") { _ in log })
        var stored = try await store()
        stored += try await fixture.ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-2"), state: .succeeded)).replies
        fixture.ledger.damage([stored[0].id])
        await outbox.loadBacklog()
        for _ in 0..<3 { await outbox.sweep() }
        #expect(published == [stored[1].messageID])
        #expect(log.entries.map(\.level) == [.error])
        #expect(log.entries.first?.metadata["replies.id"] == "\(stored[0].id)")
    }

    // MARK: Helpers

    private var published: [String?] { fixture.broker.publications.map(\.message.properties.messageID) }

    private var owed: [OutgoingReply] {
        get async throws { try await fixture.ledger.unpublishedReplies(after: nil, limit: 10).replies }
    }

    /// Stores a reply, as a run does before it publishes it.
    private func store() async throws -> [OutgoingReply] {
        let stored = try await fixture.ledger.claim(Sample.claim(state: .succeeded)).replies
        try #require(stored.count == 1)
        return stored
    }

    private func leaveOneUnconfirmed(_ reference: String = "R2") async throws {
        let before = published.count
        fixture.broker.fail([.outcomeUnknown("lost")])
        #expect(await fixture.handle(EngineFixture.recharge(reference)) == .ack)
        try #require(published.count == before)
    }

    /// Marks the confirmed replies. The outbox marks nothing after that.
    private func mark(_ outbox: Outbox) async {
        outbox.finish()
        await outbox.runMarkPublished()
    }

    private func eventually(_ condition: () async throws -> Bool) async {
        while (try? await condition()) != true, !Task.isCancelled { await Task.yield() }
    }
}
