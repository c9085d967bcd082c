import AMQP
import InMemoryLogging
import JobModel
import Ledger
import LedgerKit
import Logging
import Testing

@testable import JobEngine

/// Who publishes a reply: exactly one, whoever is slow.
@Suite("Replies that are owed", .timeLimit(.minutes(1))) struct OutboxTests {
    private let workshop = Workshop()
    private var outbox: Outbox { workshop.outbox }

    @Test("a reply that was not confirmed stays owed and is published later under the same id")
    func owed() async throws {
        workshop.broker.fail([.outcomeUnknown("lost")])
        #expect(await workshop.handle(Workshop.recharge()) == .ack)
        #expect(workshop.broker.publications.isEmpty)
        let owed = try await owed
        #expect(owed.count == 1)
        await outbox.sweep()
        #expect(published == owed.map(\.messageID))
        await mark(outbox)
        #expect(try await self.owed.isEmpty)
    }

    @Test("what a process before this one has left owed is published by the first sweep, what is stored since by whoever has stored it")
    func leftAtStart() async throws {
        workshop.broker.fail([.outcomeUnknown("lost")])
        await workshop.handle(Workshop.recharge())
        let left = try await owed
        let next = workshop.restarted()
        await next.outbox.takeStock()
        let stored = try await store()
        await next.outbox.sweep()
        #expect(published == left.map(\.messageID))
        await next.outbox.deliver(new: stored)
        await next.outbox.sweep()
        await mark(next.outbox)
        #expect(published == (left + stored).map(\.messageID))
        #expect(try await owed.isEmpty)
    }

    @Test("a reply that its run publishes while a sweep has read it as owed is published once")
    func deliveredMeanwhile() async throws {
        let stored = try await store()
        try await leaveOneUnconfirmed()
        workshop.ledger.afterRead {
            await outbox.deliver(new: stored)
            await mark(outbox)
        }
        await outbox.sweep()
        #expect(published.count == 2)
        #expect(Set(published).count == 2)
    }

    @Test("a reply that is marked while the next sweep has read it as owed is published once")
    func markedMeanwhile() async throws {
        try await leaveOneUnconfirmed("R2")
        let next = workshop.restarted()
        await next.outbox.takeStock()
        await next.outbox.sweep()
        workshop.broker.fail([.outcomeUnknown("lost")])
        await next.handle(Workshop.recharge("R3"))
        workshop.ledger.afterRead { await mark(next.outbox) }
        await next.outbox.sweep()
        #expect(published.count == 2)
        #expect(Set(published).count == 2)
    }

    @Test("a reply that another process has stored and not published is published by the one that runs")
    func owedByAnother() async throws {
        let sweeping = Task { await outbox.runSweeping() }
        let stored = try await store()
        await eventually { !published.isEmpty }
        sweeping.cancel()
        await sweeping.value
        #expect(Set(published) == Set(stored.map(\.messageID)))
    }

    @Test("what could not be read is left to the next sweep")
    func unread() async throws {
        try await leaveOneUnconfirmed()
        workshop.ledger.failReads(1)
        await outbox.sweep()
        #expect(published.isEmpty)
        await outbox.sweep()
        #expect(published.count == 1)
    }

    @Test("every reply is mandatory, and so is a dead letter")
    func mandatory() async {
        await workshop.handle(Workshop.recharge(), replyTo: "upstream")
        await workshop.handle(Workshop.recharge("R2"), replyTo: "amq.gen-x")
        await workshop.handle("{")
        #expect(workshop.broker.publications.map(\.exchange).sorted() == ["", "bos.dead", "bos.replies", "bos.replies"])
        let optional = workshop.broker.publications.filter { !$0.isMandatory }
        #expect(optional.isEmpty)
    }

    @Test(
        "a reply that leads nowhere is kept with the replies without a listener; where that leads nowhere it stays owed and is named once")
    func nowhere() async throws {
        let log = InMemoryLogHandler()
        let workshop = Workshop(logger: Logger(label: "test") { _ in log })
        workshop.broker.fail(.returned(code: 312, text: "NO_ROUTE"), at: "bos.replies", "bos.unrouted")
        #expect(await workshop.handle(Workshop.recharge()) == .ack)
        for _ in 0..<5 {
            workshop.clock.advance(by: .seconds(60))
            await workshop.outbox.sweep()
        }
        #expect(workshop.broker.publications.isEmpty)
        let told = log.entries.filter { $0.level == .error && "\($0.message)".hasPrefix("a reply could not be published") }
        #expect(told.count == 1 && told.allSatisfy { $0.metadata["error"]?.description.contains("NO_ROUTE") == true })
        workshop.broker.fail(nil, at: "bos.unrouted")
        workshop.clock.advance(by: .seconds(60))
        await workshop.outbox.sweep()
        #expect(workshop.broker.publications.map(\.exchange) == ["bos.unrouted"])
        #expect(log.entries.contains { "\($0.message)" == "a reply that could not be published was published" })
        await mark(workshop.outbox)
        #expect(try await workshop.ledger.unpublishedReplies(after: nil, limit: 10).replies.isEmpty)
    }

    @Test("a reply that the broker turns down stops no other, is named once, and is tried again after a minute and then more seldom")
    func turnedDown() async throws {
        let log = InMemoryLogHandler()
        let workshop = Workshop(logger: Logger(label: "test") { _ in log })
        workshop.broker.fail(.turnedDown(code: 403, text: "ACCESS_REFUSED"), at: "")
        #expect(await workshop.handle(Workshop.recharge(), replyTo: "amq.gen-x") == .ack)
        #expect(await workshop.handle(Workshop.recharge("R2")) == .ack)
        #expect(workshop.broker.publications.count == 1)
        for seconds in [60, 120, 240] {
            workshop.broker.fail(.notSent("not tried yet"), at: "")
            workshop.clock.advance(by: .seconds(seconds - 1))
            await workshop.outbox.sweep()
            workshop.broker.fail(.turnedDown(code: 403, text: "ACCESS_REFUSED"), at: "")
            workshop.clock.advance(by: .seconds(1))
            await workshop.outbox.sweep()
        }
        #expect(log.entries.count { "\($0.message)".hasPrefix("a reply could not be published") } == 1)
        workshop.broker.fail(nil, at: "")
        workshop.clock.advance(by: .seconds(480))
        await workshop.outbox.sweep()
        #expect(workshop.broker.publications.count == 2)
    }

    @Test(
        "a direct reply is published without mandatory to a caller who is there, and kept with the replies without a listener if the caller is gone"
    )
    func directReply() async throws {
        workshop.broker.callersGo("amq.rabbitmq.reply-to.b.k")
        await workshop.handle(Workshop.recharge(), replyTo: "amq.rabbitmq.reply-to.a.k")
        await workshop.handle(Workshop.recharge("R2"), replyTo: "amq.rabbitmq.reply-to.b.k")
        workshop.broker.fail(.notAsked("no answer"), at: "?")
        await workshop.handle(Workshop.recharge("R3"), replyTo: "amq.rabbitmq.reply-to.c.k")
        #expect(workshop.broker.publications.map(\.exchange) == ["", "bos.unrouted"])
        #expect(workshop.broker.publications.map(\.isMandatory) == [false, true])
        await mark(outbox)
        #expect(try await owed.count == 1)
    }

    @Test("a queue that refuses replies is named once with its routing key, and once more when it takes them again")
    func refusing() async throws {
        let log = InMemoryLogHandler()
        let workshop = Workshop(logger: Logger(label: "test") { _ in log })
        func told(_ start: String) -> [InMemoryLogHandler.Entry] { log.entries.filter { "\($0.message)".hasPrefix(start) } }
        workshop.broker.fail(.refused, at: "bos.replies")
        for reference in ["R1", "R2", "R3"] { await workshop.handle(Workshop.recharge(reference), replyTo: "billing") }
        #expect(told("the broker refuses replies").isEmpty)
        for _ in 0..<5 {
            workshop.clock.advance(by: .seconds(60))
            await workshop.outbox.sweep()
        }
        #expect(told("the broker refuses replies").count == 1)
        #expect(told("the broker refuses replies").first?.metadata["routing_key"] == "billing")
        workshop.broker.fail(nil, at: "bos.replies")
        workshop.clock.advance(by: .seconds(60))
        await workshop.outbox.sweep()
        #expect(workshop.broker.publications.count == 3)
        #expect(told("the broker takes replies again").count == 1)
    }

    @Test("what is not confirmed is tried again at once, then after pauses that double up to a minute; the broker's absence does not count")
    func pauses() {
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

    @Test("a reply that cannot be put on the wire is tried again, but not with every sweep")
    func impossible() async throws {
        workshop.broker.fail([.invalid("too long")])
        await workshop.handle(Workshop.recharge())
        let next = workshop.restarted()
        await next.outbox.takeStock()
        workshop.broker.fail([.invalid("too long"), .outcomeUnknown("not reached")])
        await next.outbox.sweep()
        await next.outbox.sweep()
        #expect(published.isEmpty)
        #expect(workshop.broker.hasFailuresLeft)
        let sweeping = Task { await next.outbox.runSweeping() }
        await eventually { !published.isEmpty }
        sweeping.cancel()
        await sweeping.value
    }

    @Test("a confirmed reply that cannot be marked is not published again, and marked once the ledger can be written")
    func markFails() async throws {
        workshop.ledger.failMarks(100)
        await workshop.handle(Workshop.recharge())
        let tasks = [Task { await outbox.runSweeping() }, Task { await outbox.runMarking() }]
        await eventually { try await owed.isEmpty }
        outbox.finish()
        for task in tasks { await task.value }
        #expect(published.count == 1)
    }

    @Test("one who asks again is answered again, and what the broker does not confirm is owed again")
    func repeated() async throws {
        await workshop.handle(Workshop.recharge())
        await mark(outbox)
        #expect(try await owed.isEmpty)
        let next = workshop.restarted()
        workshop.broker.fail([.notSent("away")])
        #expect(await next.handle(Workshop.recharge()) == .ack)
        #expect(published.count == 1)
        #expect(try await owed.count == 1)
        await next.outbox.sweep()
        await mark(next.outbox)
        #expect(published.count == 2)
        #expect(Set(published).count == 1)
        #expect(try await owed.isEmpty)
        #expect(workshop.bos.calls.recharges.count == 1)
    }

    @Test("a reply whose row cannot be read keeps no other from being published, and is named once")
    func unreadableRow() async throws {
        let log = InMemoryLogHandler()
        let outbox = Outbox(
            publisher: workshop.broker, ledger: workshop.ledger, configuration: EngineConfiguration(), clock: workshop.clock,
            metrics: EngineMetrics(), logger: Logger(label: "test") { _ in log })
        var stored = try await store()
        stored += try await workshop.ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-2"), state: .succeeded)).replies
        workshop.ledger.damage([stored[0].id])
        await outbox.takeStock()
        for _ in 0..<3 { await outbox.sweep() }
        #expect(published == [stored[1].messageID])
        #expect(log.entries.map(\.level) == [.error])
        #expect(log.entries.first?.metadata["replies.id"] == "\(stored[0].id)")
    }

    // MARK: Parts

    private var published: [String?] { workshop.broker.publications.map(\.message.properties.messageID) }

    private var owed: [OutgoingReply] {
        get async throws { try await workshop.ledger.unpublishedReplies(after: nil, limit: 10).replies }
    }

    /// A reply that a run has stored and is about to publish.
    private func store() async throws -> [OutgoingReply] {
        let stored = try await workshop.ledger.claim(Sample.claim(state: .succeeded)).replies
        try #require(stored.count == 1)
        return stored
    }

    private func leaveOneUnconfirmed(_ reference: String = "R2") async throws {
        let before = published.count
        workshop.broker.fail([.outcomeUnknown("lost")])
        #expect(await workshop.handle(Workshop.recharge(reference)) == .ack)
        try #require(published.count == before)
    }

    /// Nothing can be marked after it.
    private func mark(_ outbox: Outbox) async {
        outbox.finish()
        await outbox.runMarking()
    }

    private func eventually(_ condition: () async throws -> Bool) async {
        while (try? await condition()) != true, !Task.isCancelled { await Task.yield() }
    }
}
