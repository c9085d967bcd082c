import AMQP
import InMemoryLogging
import JobModel
import Ledger
import LedgerKit
import Logging
import Synchronization
import Testing

@testable import JobEngine

@Suite("Poller", .timeLimit(.minutes(1)))
struct PollerTests {
    private let ledger = MemoryLedger()
    private let broker = RecordingBroker()
    private let clock = ManualClock()
    private let log = InMemoryLogHandler()

    private func poller(
        queueLimit: Int = 1_000, batch: Int = 100, look: @escaping Poller.QueueLookup = { _ in .init(ready: 0, consumers: 1) }
    )
        -> Poller
    {
        var configuration = Poller.Configuration()
        configuration.queueLimit = queueLimit
        configuration.batch = batch
        return Poller(
            ledger: ledger, publisher: broker, look: look, configuration: configuration, clock: clock,
            logger: Logger(label: "test") { _ in log })
    }

    /// Stores a job that waits in the ledger.
    /// - Parameter seconds: from the start of the clock to the due time.
    private func storeWaiting(
        _ reference: String, kind: JobKind = .panStatus, state: JobState = .pending, due seconds: Int64 = 0
    ) async throws {
        let claim = Sample.claim(Sample.job(kind, reference: reference), now: ManualClock.start)
        let id = try #require(try await ledger.claim(claim).record).id
        let due = ManualClock.start + .seconds(seconds)
        _ = try await ledger.update(Sample.update(id, to: state, dueAt: due, at: ManualClock.start, event: .waiting))
    }

    @Test("a due job is requeued as the ledger holds it, without a recipient")
    func requeuedMessage() async throws {
        try await storeWaiting("p-1")
        #expect(await poller().round() == .done)
        let publication = try #require(broker.publications.first)
        #expect(publication.exchange == "bos.jobs")
        #expect(publication.routingKey == "pan.status")
        #expect(publication.message.body == Sample.job(.panStatus, reference: "p-1").body)
        let properties = publication.message.properties
        #expect(properties.type == "pan.status")
        #expect(properties.headers["x-bos-resume"] != nil)
        #expect(properties.headers["traceparent"] == .string("00-c-1"))
        #expect(properties.correlationID == nil)
        #expect(properties.replyTo == nil)
        #expect(properties.deliveryMode == .persistent)
    }

    @Test("a due job of a lane that an operator holds stays in the ledger, and is requeued after the hold; the other lane goes on")
    func heldLane() async throws {
        try await storeWaiting("r-1", kind: .recharge, state: .accepted)
        try await storeWaiting("p-1")
        let hold = LaneHold(since: ManualClock.start, user: "asha", host: "pay-1", reason: "BOS asks for it")
        _ = try await ledger.setHold(hold, of: .money)
        for _ in 0..<3 { #expect(await poller().round() == .done) }
        #expect(broker.publications.map(\.routingKey) == ["pan.status"])
        _ = try await ledger.setHold(nil, of: .money)
        #expect(await poller().round() == .done)
        #expect(broker.publications.map(\.routingKey) == ["pan.status", "recharge"])
    }

    @Test("a doubt is requeued in the lane of questions, a recharge that was never sent in the lane of money")
    func routesByState() async throws {
        try await storeWaiting("r-1", kind: .recharge, state: .inDoubt)
        try await storeWaiting("r-2", kind: .recharge, state: .accepted)
        try await storeWaiting("s-1", kind: .rechargeStatus, state: .accepted)
        _ = await poller().round()
        #expect(broker.publications.map(\.routingKey).sorted() == ["recharge", "recharge.status", "recharge.status"])
        let types = broker.publications.filter { $0.routingKey == "recharge.status" }.compactMap(\.message.properties.type)
        #expect(types.sorted() == ["recharge", "recharge.status"])
    }

    @Test("a job that is not due stays in the ledger, and a requeued job is not requeued again")
    func requeuesOnce() async throws {
        try await storeWaiting("p-1", due: 10)
        _ = await poller().round()
        #expect(broker.publications.isEmpty)
        clock.advance(by: .seconds(10))
        _ = await poller().round()
        _ = await poller().round()
        #expect(broker.publications.count == 1)
    }

    @Test("the number of requeued jobs in a queue is limited, the longest due come first, and others follow when runs take them")
    func queueLimit() async throws {
        for number in 0..<10 { try await storeWaiting("p-\(number)", due: Int64(-number)) }
        let poller = poller(queueLimit: 4)
        #expect(await poller.round() == .done)
        #expect(references.sorted() == ["p-6", "p-7", "p-8", "p-9"])
        #expect(await poller.round() == .done)
        #expect(references.count == 4)
        _ = try await ledger.claim(Sample.claim(Sample.job(.panStatus, reference: "p-9"), recipient: nil, now: clock.now()))
        #expect(await poller.round() == .done)
        #expect(references.sorted() == ["p-5", "p-6", "p-7", "p-8", "p-9"])
    }

    @Test("a doubt is requeued however many messages of upstreams are in the queue", arguments: [1_000, 1_000_000])
    func crowdedQueue(ready: Int) async throws {
        try await storeWaiting("r-1", kind: .recharge, state: .inDoubt)
        try await storeWaiting("r-2", kind: .recharge, state: .accepted)
        _ = await poller(look: { _ in .init(ready: ready, consumers: 1) }).round()
        #expect(broker.publications.map(\.routingKey).sorted() == ["recharge", "recharge.status"])
    }

    @Test("after a day without a worker there is one copy of each job in its queue")
    func dayWithoutWorker() async throws {
        for number in 0..<3 { try await storeWaiting("p-\(number)") }
        let poller = poller(look: { [broker] _ in .init(ready: broker.publications.count, consumers: 0) })
        for _ in 0..<96 {
            #expect(await poller.round() == .done)
            clock.advance(by: .seconds(900))
        }
        #expect(references.sorted() == ["p-0", "p-1", "p-2"])
    }

    @Test("a job whose message was not taken while its queue had a consumer, or is gone, is requeued once more")
    func lostMessage() async throws {
        try await storeWaiting("p-1")
        _ = await poller().round()
        clock.advance(by: .seconds(899))
        _ = await poller(look: { _ in .init(ready: 5, consumers: 1) }).round()
        #expect(references == ["p-1"])
        clock.advance(by: .seconds(1))
        _ = await poller(look: { _ in .init(ready: 5, consumers: 1) }).round()
        #expect(references == ["p-1", "p-1"])
        clock.advance(by: .seconds(900))
        _ = await poller(look: { _ in .init(ready: 0, consumers: 0) }).round()
        #expect(references == ["p-1", "p-1", "p-1"])
    }

    @Test(
        "a wall clock that was set back delays no doubt and no retry, and a PAN application by its longest interval at most",
        arguments: [
            (JobKind.recharge, JobState.inDoubt, 6), (.recharge, .accepted, 6), (.panStatus, .pending, 8), (.recharge, .inDoubt, 90_000),
        ])
    func clockSetBack(kind: JobKind, state: JobState, hours: Int) async throws {
        try await storeWaiting("j-1", kind: kind, state: state, due: 20)
        let poller = poller()
        #expect(await poller.round() == .done)
        clock.setCivil(back: .seconds(Int64(hours) * 3_600))
        clock.advance(by: .seconds(600))
        #expect(await poller.round() == .more)
        #expect(references == ["j-1"])
        #expect(log.entries.map(\.level) == [.notice])
    }

    @Test("while the wall clock is right no job is brought forward, not even a held one with a far deadline")
    func clockIsRight() async throws {
        try await storeWaiting("p-1", kind: .panStatus, state: .pending, due: 6 * 3_600)
        try await storeWaiting("r-1", kind: .recharge, state: .inDoubt, due: 300)
        try await storeWaiting("h-1", kind: .recharge, state: .held, due: 90 * 86_400)
        #expect(await poller().round() == .done)
        #expect(broker.publications.isEmpty)
    }

    private var references: [String] {
        broker.publications.compactMap { publication in
            let kind = publication.message.properties.type.flatMap(JobKind.init) ?? .recharge
            return Job(kind: kind, body: publication.message.body)?.reference
        }
    }

    @Test("a job that the broker did not confirm is due again when its lease ends")
    func unconfirmedJob() async throws {
        try await storeWaiting("p-1")
        broker.fail([.outcomeUnknown("the connection was lost")])
        #expect(await poller().round().trouble != nil)
        #expect(broker.publications.isEmpty)
        #expect(await poller().round() == .done)
        #expect(broker.publications.isEmpty)
        clock.advance(by: .seconds(60))
        #expect(await poller().round() == .done)
        #expect(broker.publications.count == 1)
    }

    @Test("several pollers never requeue the same job at once")
    func severalPollers() async throws {
        for number in 0..<40 { try await storeWaiting("p-\(number)") }
        await withDiscardingTaskGroup { group in
            for _ in 0..<4 { group.addTask { while await poller(batch: 3).round() == .more {} } }
        }
        #expect(broker.publications.count == 40)
        #expect(Set(broker.publications.map(\.message.body)).count == 40)
    }

    @Test("a lane whose queue cannot be looked up stops no other lane, and the round reports it")
    func failedLookupOfOneLane() async throws {
        try await storeWaiting("r-1", kind: .recharge, state: .accepted)
        struct Away: Error {}
        #expect(
            await poller(look: { lane in if lane == .questions { throw Away() } else { .init(ready: 0, consumers: 1) } }).round().trouble
                != nil)
        #expect(broker.publications.map(\.routingKey) == ["recharge"])
    }

    @Test("no job is leased while the queues cannot be looked up")
    func failedLookup() async throws {
        try await storeWaiting("p-1")
        struct Away: Error {}
        #expect(await poller(look: { _ in throw Away() }).round().trouble != nil)
        #expect(await poller().round() == .done)
        #expect(broker.publications.count == 1)
    }

    @Test("each trouble is logged once, and its end once it has been absent for a while")
    func troubleIsLoggedOnce() async throws {
        struct Trouble: Error { let name: String }
        // The trouble that each round's first look-up meets. A round takes a second.
        let script: [String?] = ["away", "away", "full", nil, "full"] + Array(repeating: nil, count: 122)
        let rounds = Mutex<[String?]>(script.reversed())
        let poller = poller(look: { lane in
            guard lane == .questions, let trouble = rounds.withLock({ $0.popLast() ?? nil }) else { return .init(ready: 0, consumers: 1) }
            throw Trouble(name: trouble)
        })
        let polling = Task { await poller.run { _ in } }
        while !rounds.withLock(\.isEmpty), !Task.isCancelled { await Task.yield() }
        polling.cancel()
        await polling.value
        #expect(log.entries.map(\.level) == [.warning, .warning, .notice])
        let reasons = log.entries.map { $0.metadata["reason"].map { "\($0)" } ?? "" }
        #expect(reasons[0].contains("away"))
        #expect(reasons[1].contains("full"))
    }
}

@Suite("Requeued jobs", .timeLimit(.minutes(1)))
struct ResumptionTests {
    private static let pending = PANStatusMachine.Event.found(
        .pending, Answer(httpStatus: 200, responseCode: 1, status: true, message: "under process"))

    @Test("a pending PAN application is queried until it is decided, and only changes are published")
    func pendingPAN() async throws {
        var script = ScriptedBOS.Script()
        script.panAnswers = Array(repeating: Self.pending, count: 6) + [.found(.completed, ScriptedBOS.answer)]
        let fixture = EngineFixture(script)
        await fixture.handle("{\"refid\":\"P1\"}", kind: "pan.status")
        for _ in 0..<5 {
            #expect(try await fixture.poll().isEmpty)
            fixture.clock.advance(by: .seconds(7 * 3_600))
            #expect(try await fixture.restarted().poll() == [.ack])
        }
        fixture.clock.advance(by: .seconds(7 * 3_600))
        #expect(try await fixture.poll() == [.ack])
        #expect(fixture.replies.map { $0.text("outcome") } == ["pending", "succeeded"])
        fixture.clock.advance(by: .seconds(86_400))
        #expect(try await fixture.poll().isEmpty)
    }

    @Test("a PAN application that is never decided is answered with expired")
    func undecidedPANExpires() async throws {
        var script = ScriptedBOS.Script()
        script.panAnswers = [Self.pending]
        let fixture = EngineFixture(script)
        await fixture.handle("{\"refid\":\"P1\"}", kind: "pan.status")
        for _ in 0..<200 where fixture.replies.count < 2 {
            fixture.clock.advance(by: .seconds(7 * 3_600))
            _ = try await fixture.poll()
        }
        #expect(fixture.replies.map { $0.text("outcome") } == ["pending", "expired"])
    }

    @Test("a doubt is resolved in the lane of questions while recharges are stopped")
    func doubtWhileBreakerIsOpen() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [.found(.pending, ScriptedBOS.answer)]
        let fixture = EngineFixture(script)
        await fixture.handle(EngineFixture.recharge())
        await fixture.gate.close(.bos, detail: "test")
        fixture.clock.advance(by: .seconds(3_600))
        fixture.bos.play(ScriptedBOS.Script())
        #expect(try await fixture.poll() == [.ack])
        #expect(fixture.replies.map { $0.text("outcome") } == ["in_doubt", "succeeded"])
    }

    @Test("a requeued job that this ledger does not know is not sent, because it may have been sent before")
    func unknownJob() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.throttled(retryAfter: .seconds(30)))]
        let fixture = EngineFixture(script)
        await fixture.handle(EngineFixture.recharge())
        fixture.clock.advance(by: .seconds(60))
        let queue = RecordingBroker()
        #expect(await fixture.poller(queue).round() == .done)
        let message = try #require(queue.publications.first).message
        let other = EngineFixture()
        #expect(await other.handle(message, routingKey: "recharge") == .ack)
        #expect(other.bos.calls.recharges.isEmpty)
        #expect(try await other.record() == nil)
        // No reply says that it was refused: it may have been executed.
        #expect(other.broker.publications.map(\.exchange) == ["bos.dead"])
    }

    @Test("a copy of a message that comes late waits for the new due time, and BOS is queried once")
    func staleCopy() async throws {
        var script = ScriptedBOS.Script()
        script.panAnswers = Array(repeating: Self.pending, count: 10)
        let fixture = EngineFixture(script)
        await fixture.handle("{\"refid\":\"P1\"}", kind: "pan.status")
        fixture.clock.advance(by: .seconds(7 * 3_600))
        let queue = RecordingBroker()
        _ = await fixture.poller(queue).round()
        let message = try #require(queue.publications.first).message
        for _ in 0..<20 { #expect(await fixture.handle(message, routingKey: "pan.status") == .ack) }
        #expect(fixture.bos.calls.panChecks.count == 2)
        let progress = try #require(try await fixture.record("P1", kind: .panStatus)).progress
        #expect(progress.enquiries == 2)
    }
}
