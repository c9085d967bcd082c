import JobModel
import Ledger
import Logging
import Testing

@testable import JobEngine

@Suite("Where enquiries ask by BOS's own number", .timeLimit(.minutes(1)))
struct EnquiryNameTests {
    private static let number = "482913"
    private static let found = Enquiry.found(
        .succeeded, ScriptedBOS.answer, Subject(reference: number, subscriber: "9876543210", amount: "10", hasData: true))

    private static func fixture(_ recharge: RechargeMachine.Event, _ enquiry: Enquiry = found) -> EngineFixture {
        var script = ScriptedBOS.Script()
        script.recharges = [recharge]
        script.enquiries = [enquiry]
        return EngineFixture(script, enquiresBy: .bosReference)
    }

    @Test("a doubt is asked about by the number that BOS has given it")
    func doubt() async {
        let fixture = Self.fixture(.answered(.accepted, ScriptedBOS.answer, bosReference: Self.number))
        await fixture.handle(EngineFixture.recharge())
        #expect(fixture.bos.calls.enquiries.first == Self.number)
        #expect(fixture.replies.last?.text("outcome") == "succeeded")
    }

    @Test("a doubt that BOS has given no number is asked about by its reference")
    func noNumber() async {
        let fixture = Self.fixture(.unknown(nil), .found(.succeeded, ScriptedBOS.answer))
        await fixture.handle(EngineFixture.recharge())
        #expect(fixture.bos.calls.enquiries == ["R1"])
        #expect(fixture.replies.last?.text("outcome") == "succeeded")
    }

    @Test("so is a recharge that an upstream asks about")
    func question() async {
        let fixture = Self.fixture(.answered(.done, ScriptedBOS.answer, bosReference: Self.number))
        await fixture.handle(EngineFixture.recharge())
        await fixture.handle("{\"referenceid\":\"R1\"}", kind: "recharge.status")
        #expect(fixture.bos.calls.enquiries == [Self.number])
        #expect(fixture.replies.map { $0.text("outcome") } == ["succeeded", "succeeded"])
    }

    @Test("\"not found\" by number is believed once an enquiry by number has found something, not by reference")
    func calibration() async throws {
        let fixture = Self.fixture(
            .answered(
                .refused(isFinal: false), Answer(httpStatus: 200, responseCode: 9, status: false, message: "Invalid operator"),
                bosReference: Self.number), .found(.notFound, ScriptedBOS.answer))
        await fixture.handle(EngineFixture.recharge())
        #expect(fixture.calibrator.calibration(of: "merchant").findsRecharges)
        for _ in 0..<3 {
            fixture.clock.advance(by: .seconds(600))
            _ = try await fixture.poll()
        }
        #expect(try await fixture.record()?.progress.state == .inDoubt)
        fixture.calibrator.conclude(
            .passed(showsData: false, hasOwnNumbers: true), .init(registerID: "merchant", name: .bosReference), isCertain: true)
        for _ in 0..<3 {
            fixture.clock.advance(by: .seconds(600))
            _ = try await fixture.poll()
        }
        #expect(fixture.replies.last?.text("outcome") == "failed")
    }

    @Test("a recharge that BOS has executed calibrates the enquiry by its number and by its reference")
    func executed() async {
        let fixture = Self.fixture(.answered(.done, ScriptedBOS.answer, bosReference: Self.number))
        for name in EngineConfiguration.EnquiryName.allCases {
            fixture.calibrator.conclude(.untried, .init(registerID: "merchant", name: name), isCertain: true)
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
