import JobModel
import Ledger
import Testing

@testable import JobEngine

@Suite("What an answer to a recharge turned out to mean", .timeLimit(.minutes(1)))
struct CodeMeaningTests {
    private static let taken = Answer(httpStatus: 200, responseCode: 0, status: true, message: "Request accepted")
    private static let contradictory = Answer(httpStatus: 200, responseCode: 1, status: true, message: "Recharge failed")
    private static let pending = Enquiry.found(
        .pending, Answer(httpStatus: 200, responseCode: 1, status: true, message: "pending"), Subject(reference: "R1", hasData: true))
    private static let done = Enquiry.found(.succeeded, ScriptedBOS.answer, Subject(reference: "R1", hasData: true))

    /// A fixture in which the recharge ended with this event, and enquiries find it pending.
    private static func doubtful(_ event: RechargeMachine.Event) async -> EngineFixture {
        var script = ScriptedBOS.Script()
        script.recharges = [event]
        script.enquiries = [pending]
        let fixture = EngineFixture(script)
        await fixture.handle(EngineFixture.recharge())
        return fixture
    }

    private static func count(of answer: Answer, in fixture: EngineFixture) async throws -> CodeCount? {
        try await fixture.ledger.codes().first { $0.name == CodeSighting(.recharge, answer: answer).name }
    }

    @Test(
        "is counted once the recharge is over, also if BOS had accepted it",
        arguments: [(RechargeMachine.Event.answered(.accepted, taken), taken), (.unknown(contradictory), contradictory)])
    func countedAtEnd(event: RechargeMachine.Event, answer: Answer) async throws {
        let fixture = await Self.doubtful(event)
        #expect(try await fixture.record()?.progress.doubt == .acceptedByBOS)
        #expect(try await Self.count(of: answer, in: fixture) == nil)
        var script = ScriptedBOS.Script()
        script.enquiries = [Self.done]
        fixture.bos.play(script)
        fixture.clock.advance(by: .seconds(600))
        await fixture.handle(EngineFixture.recharge())
        #expect(try await fixture.record()?.progress.state == .succeeded)
        #expect(try await Self.count(of: answer, in: fixture)?.succeeded == 1)
        #expect(try await fixture.ledger.codes().count == 1)
    }

    @Test("is counted when a person resolves the recharge, or lets it be sent again")
    func countedAfterPerson() async throws {
        let fixture = await Self.doubtful(.answered(.accepted, Self.taken))
        let known = try #require(try await fixture.record())
        let now = fixture.clock.moment
        let entry = HistoryEntry(at: now.wallClock, .resolved)
        _ = try await OperatorClaim(known, from: fixture.ledger, as: "test", at: now.wallClock).resolve(
            .init(succeeded: false, reason: "not on the statement", heard: nil), knowing: known, policy: EngineFixture.policy, at: now,
            entry: entry,
            otherwise: entry)
        #expect(try await Self.count(of: Self.taken, in: fixture)?.failed == 1)

        let refused = Answer(httpStatus: 200, responseCode: 5, status: false)
        var script = ScriptedBOS.Script()
        script.recharges = [.answered(.refused(isFinal: false), refused)]
        script.enquiries = [.found(.declined, ScriptedBOS.answer)]
        fixture.bos.play(script)
        await fixture.handle(EngineFixture.recharge("R2"))
        let doubt = try #require(try await fixture.record("R2"))
        try await OperatorClaim(doubt, from: fixture.ledger, as: "test", at: now.wallClock).sendAgain(
            knowing: doubt, policy: EngineFixture.policy, at: fixture.clock.moment, entry: entry, otherwise: entry)
        #expect(try await Self.count(of: refused, in: fixture)?.notFound == 1)
    }

    @Test("is counted when the worker sends the recharge again")
    func countedWhenSentAgain() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(Self.contradictory), .answered(.done, ScriptedBOS.answer)]
        script.enquiries = [.found(.notFound, ScriptedBOS.answer)]
        let fixture = EngineFixture(script)
        await fixture.handle(EngineFixture.recharge())
        for _ in 0..<10 {
            fixture.clock.advance(by: .seconds(120))
            await fixture.handle(EngineFixture.recharge())
        }
        #expect(fixture.bos.calls.recharges == ["R1", "R1"])
        let count = try await Self.count(of: Self.contradictory, in: fixture)
        #expect([count?.notFound, count?.succeeded] == [1, 0])
    }

    @Test("is counted at once if the answer ends the recharge")
    func countedAtOnce() async throws {
        let answer = Answer(httpStatus: 200, responseCode: 7, status: false)
        let counted = CodeSighting(.recharge, answer: answer)
        var fixture = EngineFixture()
        var script = ScriptedBOS.Script()
        script.recharges = [.answered(.refused(isFinal: true), answer)]
        fixture.bos.play(script)
        let context = fixture.executor.context
        fixture.executor = JobExecutor(
            EngineContext(
                configuration: context.configuration, ledger: context.ledger, gateway: Sighting(bos: fixture.bos, sighting: counted),
                outbox: context.outbox, lanes: context.lanes, calibrator: context.calibrator, drain: context.drain, runs: context.runs,
                clock: context.clock, metrics: context.metrics, logger: context.logger))
        await fixture.handle(EngineFixture.recharge())
        let count = try await Self.count(of: answer, in: fixture)
        #expect([count?.timesSeen, count?.failed] == [1, 1])
    }
}

/// A gateway whose report of each recharge contains this answer.
private struct Sighting: BOSGateway {
    let bos: ScriptedBOS
    let sighting: CodeSighting

    func recharge(
        _ recharge: Recharge, permit: consuming RetryPermit, options: CallOptions
    ) async -> CallReport<RechargeMachine.Event> {
        var report = await bos.recharge(recharge, permit: permit, options: options)
        report.sighting = sighting
        return report
    }

    func enquire(_ reference: String, registerID: String, options: CallOptions) async -> CallReport<Enquiry> {
        await bos.enquire(reference, registerID: registerID, options: options)
    }

    func panStatus(_ query: PANStatusQuery, options: CallOptions) async -> CallReport<PANStatusMachine.Event> {
        await bos.panStatus(query, options: options)
    }

    func renewCredentials() async -> Bool { await bos.renewCredentials() }
}
