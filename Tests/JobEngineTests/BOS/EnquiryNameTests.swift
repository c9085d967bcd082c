import JobModel
import Ledger
import Logging
import Testing

@testable import JobEngine

@Suite("With enquiries by BOS's own number", .timeLimit(.minutes(1)))
struct EnquiryNameTests {
    private static let number = "482913"
    private static let found = Enquiry.found(
        .succeeded, ScriptedBOS.answer, Subject(reference: number, subscriber: "9876543210", amount: "10", hasData: true))

    private static func fixture(_ recharge: RechargeMachine.Event, enquiry: Enquiry = found) -> EngineFixture {
        var script = ScriptedBOS.Script()
        script.recharges = [recharge]
        script.enquiries = [enquiry]
        return EngineFixture(script, enquiresBy: .bosReference)
    }

    @Test("a doubt is enquired about by the number that BOS gave it")
    func doubtByNumber() async {
        let fixture = Self.fixture(.answered(.accepted, ScriptedBOS.answer, bosReference: Self.number))
        await fixture.handle(EngineFixture.recharge())
        #expect(fixture.bos.calls.enquiries.first == Self.number)
        #expect(fixture.replies.last?.text("outcome") == "succeeded")
    }

    @Test("a doubt without a number is enquired about by its reference")
    func doubtWithoutNumber() async {
        let fixture = Self.fixture(.unknown(nil), enquiry: .found(.succeeded, ScriptedBOS.answer))
        await fixture.handle(EngineFixture.recharge())
        #expect(fixture.bos.calls.enquiries == ["R1"])
        #expect(fixture.replies.last?.text("outcome") == "succeeded")
    }

    @Test("a query of an upstream also uses the number")
    func queryByNumber() async {
        let fixture = Self.fixture(.answered(.done, ScriptedBOS.answer, bosReference: Self.number))
        await fixture.handle(EngineFixture.recharge())
        await fixture.handle("{\"referenceid\":\"R1\"}", kind: "recharge.status")
        #expect(fixture.bos.calls.enquiries == [Self.number])
        #expect(fixture.replies.map { $0.text("outcome") } == ["succeeded", "succeeded"])
    }

    @Test("\"not found\" by number is believed once an enquiry by number, not by reference, has found a recharge")
    func notFoundByNumber() async throws {
        let fixture = Self.fixture(
            .answered(
                .refused(isFinal: false), Answer(httpStatus: 200, responseCode: 9, status: false, message: "Invalid operator"),
                bosReference: Self.number), enquiry: .found(.notFound, ScriptedBOS.answer))
        await fixture.handle(EngineFixture.recharge())
        #expect(fixture.calibrator.calibration(of: "merchant").findsRecharges)
        for _ in 0..<3 {
            fixture.clock.advance(by: .seconds(600))
            _ = try await fixture.poll()
        }
        #expect(try await fixture.record()?.progress.state == .inDoubt)
        fixture.calibrator.conclude(
            .passed(showsData: false, hasOwnNumbers: true), for: .init(registerID: "merchant", name: .bosReference), isCertain: true)
        for _ in 0..<3 {
            fixture.clock.advance(by: .seconds(600))
            _ = try await fixture.poll()
        }
        #expect(fixture.replies.last?.text("outcome") == "failed")
    }

    @Test("an executed recharge calibrates enquiries by its number and by its reference")
    func calibratesBothNames() async {
        let fixture = Self.fixture(.answered(.done, ScriptedBOS.answer, bosReference: Self.number))
        for name in EngineConfiguration.EnquiryName.allCases {
            fixture.calibrator.conclude(.untried, for: .init(registerID: "merchant", name: name), isCertain: true)
        }
        await fixture.handle(EngineFixture.recharge())
        let running = Task { await fixture.calibrator.run() }
        for name in EngineConfiguration.EnquiryName.allCases {
            while !fixture.calibrator.calibration(of: "merchant", by: name).findsRecharges, !Task.isCancelled { await Task.yield() }
            #expect(fixture.calibrator.calibration(of: "merchant", by: name).findsRecharges)
        }
        running.cancel()
        await running.value
        #expect(Set(fixture.bos.calls.enquiries) == [Self.number, "R1"])
    }
}
