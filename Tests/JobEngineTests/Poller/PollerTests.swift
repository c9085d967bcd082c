import AMQP
import InMemoryLogging
import JobModel
import Ledger
import LedgerKit
import Logging
import Synchronization
import Testing

@testable import JobEngine

@Suite("The poller", .timeLimit(.minutes(1)))
struct PollerTests {
    private let ledger = MemoryLedger()
    private let broker = RecordingBroker()
    private let clock = ManualClock()
    private let log = InMemoryLogHandler()

    private func poller(queueLimit: Int = 1_000, batch: Int = 100, look: @escaping Poller.Look = { _ in .init(ready: 0, consumers: 1) })
        -> Poller
    {
        var configuration = Poller.Configuration()
        configuration.queueLimit = queueLimit
        configuration.batch = batch
        return Poller(
            ledger: ledger, publisher: broker, look: look, configuration: configuration, clock: clock,
            logger: Logger(label: "test") { _ in log })
    }

    private func wait(_ reference: String, _ kind: JobKind = .panStatus, _ state: JobState = .pending, due seconds: Int64 = 0) async throws
    {
        let claim = Sample.claim(Sample.job(kind, reference: reference), now: ManualClock.start)
        let id = try #require(try await ledger.claim(claim).record).id
        let due = ManualClock.start + .seconds(seconds)
        _ = try await ledger.update(Sample.update(id, to: state, dueAt: due, at: ManualClock.start, event: .waiting))
    }

    @Test("a due job is put on its queue as the ledger knows it, without an asker")
    func message() async throws {
        try await wait("p-1")
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

    @Test("each job goes where its next step belongs: a doubt to the questions, what was never sent to the money")
    func routes() async throws {
        try await wait("r-1", .recharge, .inDoubt)
        try await wait("r-2", .recharge, .accepted)
        try await wait("s-1", .rechargeStatus, .accepted)
        _ = await poller().round()
        #expect(broker.publications.map(\.routingKey).sorted() == ["recharge", "recharge.status", "recharge.status"])
        let types = broker.publications.filter { $0.routingKey == "recharge.status" }.compactMap(\.message.properties.type)
        #expect(types.sorted() == ["recharge", "recharge.status"])
    }

    @Test("what is not due stays, and what was put back is not put back again")
    func once() async throws {
        try await wait("p-1", due: 10)
        _ = await poller().round()
        #expect(broker.publications.isEmpty)
        clock.advance(by: .seconds(10))
        _ = await poller().round()
        _ = await poller().round()
        #expect(broker.publications.count == 1)
    }

    @Test("only so many of the ledger's jobs are in a queue at once, the longest due first, and others follow when runs have taken them")
    func paced() async throws {
        for number in 0..<10 { try await wait("p-\(number)", due: Int64(-number)) }
        let poller = poller(queueLimit: 4)
        #expect(await poller.round() == .done)
        #expect(references.sorted() == ["p-6", "p-7", "p-8", "p-9"])
        #expect(await poller.round() == .done)
        #expect(references.count == 4)
        _ = try await ledger.claim(Sample.claim(Sample.job(.panStatus, reference: "p-9"), asker: nil, now: clock.now()))
        #expect(await poller.round() == .done)
        #expect(references.sorted() == ["p-5", "p-6", "p-7", "p-8", "p-9"])
    }

    @Test("a queue that is full of other people's messages keeps no doubt from being asked about", arguments: [1_000, 1_000_000])
    func crowded(ready: Int) async throws {
        try await wait("r-1", .recharge, .inDoubt)
        try await wait("r-2", .recharge, .accepted)
        _ = await poller(look: { _ in .init(ready: ready, consumers: 1) }).round()
        #expect(broker.publications.map(\.routingKey).sorted() == ["recharge", "recharge.status"])
    }

    @Test("after a day without a worker there is one copy of each job in its queue")
    func dayWithoutWorker() async throws {
        for number in 0..<3 { try await wait("p-\(number)") }
        let poller = poller(look: { [broker] _ in .init(ready: broker.publications.count, consumers: 0) })
        for _ in 0..<96 {
            #expect(await poller.round() == .done)
            clock.advance(by: .seconds(900))
        }
        #expect(references.sorted() == ["p-0", "p-1", "p-2"])
    }

    @Test("a message that nobody has taken while its queue was served, or that is not there any more, is put back once more")
    func lost() async throws {
        try await wait("p-1")
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
        "a clock that was set back delays no doubt and no retry, and a PAN application by no more than its longest interval",
        arguments: [
            (JobKind.recharge, JobState.inDoubt, 6), (.recharge, .accepted, 6), (.panStatus, .pending, 8), (.recharge, .inDoubt, 90_000),
        ])
    func clockSetBack(kind: JobKind, state: JobState, hours: Int) async throws {
        try await wait("j-1", kind, state, due: 20)
        let poller = poller()
        #expect(await poller.round() == .done)
        clock.setCivil(back: .seconds(Int64(hours) * 3_600))
        clock.advance(by: .seconds(600))
        #expect(await poller.round() == .more)
        #expect(references == ["j-1"])
        #expect(log.entries.map(\.level) == [.notice])
    }

    @Test("a clock that is right brings nothing forward, not even what is held back for a person until a far deadline")
    func clockIsRight() async throws {
        try await wait("p-1", .panStatus, .pending, due: 6 * 3_600)
        try await wait("r-1", .recharge, .inDoubt, due: 300)
        try await wait("h-1", .recharge, .held, due: 90 * 86_400)
        #expect(await poller().round() == .done)
        #expect(broker.publications.isEmpty)
    }

    private var references: [String] {
        broker.publications.compactMap { publication in
            let kind = publication.message.properties.type.flatMap(JobKind.init) ?? .recharge
            return Job(kind: kind, body: publication.message.body)?.reference
        }
    }

    @Test("what the broker did not confirm is due again when the lease is over")
    func unconfirmed() async throws {
        try await wait("p-1")
        broker.fail([.outcomeUnknown("the connection was lost")])
        #expect(await poller().round().trouble != nil)
        #expect(broker.publications.isEmpty)
        #expect(await poller().round() == .done)
        #expect(broker.publications.isEmpty)
        clock.advance(by: .seconds(60))
        #expect(await poller().round() == .done)
        #expect(broker.publications.count == 1)
    }

    @Test("two pollers never put the same job back at once")
    func two() async throws {
        for number in 0..<40 { try await wait("p-\(number)") }
        await withDiscardingTaskGroup { group in
            for _ in 0..<4 { group.addTask { while await poller(batch: 3).round() == .more {} } }
        }
        #expect(broker.publications.count == 40)
        #expect(Set(broker.publications.map(\.message.body)).count == 40)
    }

    @Test("a lane that cannot be asked about stops no other lane, and is told of")
    func oneLaneBlind() async throws {
        try await wait("r-1", .recharge, .accepted)
        struct Away: Error {}
        #expect(
            await poller(look: { lane in if lane == .questions { throw Away() } else { .init(ready: 0, consumers: 1) } }).round().trouble
                != nil)
        #expect(broker.publications.map(\.routingKey) == ["recharge"])
    }

    @Test("while the broker cannot be asked nothing is leased")
    func blind() async throws {
        try await wait("p-1")
        struct Away: Error {}
        #expect(await poller(look: { _ in throw Away() }).round().trouble != nil)
        #expect(await poller().round() == .done)
        #expect(broker.publications.count == 1)
    }

    @Test("each trouble is in the log once, and its end once it has stayed away for a while")
    func log() async throws {
        struct Trouble: Error { let name: String }
        // What each round's first question meets; a round takes a second.
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

@Suite("Jobs that the poller has put back", .timeLimit(.minutes(1)))
struct ResumptionTests {
    private static let pending = PANStatusMachine.Event.found(
        .pending, Answer(httpStatus: 200, responseCode: 1, status: true, message: "under process"))

    @Test("a pending PAN application is followed until it is decided, and only changes are told")
    func pan() async throws {
        var script = ScriptedBOS.Script()
        script.panAnswers = Array(repeating: Self.pending, count: 6) + [.found(.completed, ScriptedBOS.answer)]
        let workshop = Workshop(script)
        await workshop.handle("{\"refid\":\"P1\"}", kind: "pan.status")
        for _ in 0..<5 {
            #expect(try await workshop.poll().isEmpty)
            workshop.clock.advance(by: .seconds(7 * 3_600))
            #expect(try await workshop.restarted().poll() == [.ack])
        }
        workshop.clock.advance(by: .seconds(7 * 3_600))
        #expect(try await workshop.poll() == [.ack])
        #expect(workshop.replies.map { $0.text("outcome") } == ["pending", "succeeded"])
        workshop.clock.advance(by: .seconds(86_400))
        #expect(try await workshop.poll().isEmpty)
    }

    @Test("a PAN application that never ends is answered with expired")
    func panExpired() async throws {
        var script = ScriptedBOS.Script()
        script.panAnswers = [Self.pending]
        let workshop = Workshop(script)
        await workshop.handle("{\"refid\":\"P1\"}", kind: "pan.status")
        for _ in 0..<200 where workshop.replies.count < 2 {
            workshop.clock.advance(by: .seconds(7 * 3_600))
            _ = try await workshop.poll()
        }
        #expect(workshop.replies.map { $0.text("outcome") } == ["pending", "expired"])
    }

    @Test("a doubt is asked about in the questions' lane while money is held back")
    func doubtWhileBreakerIsOpen() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [.found(.pending, ScriptedBOS.answer)]
        let workshop = Workshop(script)
        await workshop.handle(Workshop.recharge())
        await workshop.gate.close(.bos, "test")
        workshop.clock.advance(by: .seconds(3_600))
        workshop.bos.play(ScriptedBOS.Script())
        #expect(try await workshop.poll() == [.ack])
        #expect(workshop.replies.map { $0.text("outcome") } == ["in_doubt", "succeeded"])
    }

    @Test("a job that this ledger does not know is not sent: it may have been sent before")
    func unknown() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.throttled(retryAfter: .seconds(30)))]
        let workshop = Workshop(script)
        await workshop.handle(Workshop.recharge())
        workshop.clock.advance(by: .seconds(60))
        let queue = RecordingBroker()
        #expect(await workshop.poller(queue).round() == .done)
        let message = try #require(queue.publications.first).message
        let other = Workshop()
        #expect(await other.handle(message, routingKey: "recharge") == .ack)
        #expect(other.bos.calls.recharges.isEmpty)
        #expect(try await other.record() == nil)
        // And nobody is told that it was refused: it may have been executed.
        #expect(other.broker.publications.map(\.exchange) == ["bos.dead"])
    }

    @Test("a copy of a message that comes after the job went on waits for the new due time, and BOS is asked once")
    func staleCopy() async throws {
        var script = ScriptedBOS.Script()
        script.panAnswers = Array(repeating: Self.pending, count: 10)
        let workshop = Workshop(script)
        await workshop.handle("{\"refid\":\"P1\"}", kind: "pan.status")
        workshop.clock.advance(by: .seconds(7 * 3_600))
        let queue = RecordingBroker()
        _ = await workshop.poller(queue).round()
        let message = try #require(queue.publications.first).message
        for _ in 0..<20 { #expect(await workshop.handle(message, routingKey: "pan.status") == .ack) }
        #expect(workshop.bos.calls.panChecks.count == 2)
        let progress = try #require(try await workshop.record("P1", .panStatus)).progress
        #expect(progress.enquiries == 2)
    }
}
