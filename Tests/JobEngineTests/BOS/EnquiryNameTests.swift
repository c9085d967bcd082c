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

    private static func workshop(_ recharge: RechargeMachine.Event, _ enquiry: Enquiry = found) -> Workshop {
        var script = ScriptedBOS.Script()
        script.recharges = [recharge]
        script.enquiries = [enquiry]
        return Workshop(script, enquiresBy: .bosReference)
    }

    @Test("a doubt is asked about by the number that BOS has given it")
    func doubt() async {
        let workshop = Self.workshop(.answered(.accepted, ScriptedBOS.answer, bosReference: Self.number))
        await workshop.handle(Workshop.recharge())
        #expect(workshop.bos.calls.enquiries.first == Self.number)
        #expect(workshop.replies.last?.text("outcome") == "succeeded")
    }

    @Test("a doubt that BOS has given no number is asked about by its reference")
    func noNumber() async {
        let workshop = Self.workshop(.unknown(nil), .found(.succeeded, ScriptedBOS.answer))
        await workshop.handle(Workshop.recharge())
        #expect(workshop.bos.calls.enquiries == ["R1"])
        #expect(workshop.replies.last?.text("outcome") == "succeeded")
    }

    @Test("so is a recharge that an upstream asks about")
    func question() async {
        let workshop = Self.workshop(.answered(.done, ScriptedBOS.answer, bosReference: Self.number))
        await workshop.handle(Workshop.recharge())
        await workshop.handle("{\"referenceid\":\"R1\"}", kind: "recharge.status")
        #expect(workshop.bos.calls.enquiries == [Self.number])
        #expect(workshop.replies.map { $0.text("outcome") } == ["succeeded", "succeeded"])
    }

    @Test("\"not found\" by number is believed once an enquiry by number has found something, not by reference")
    func calibration() async throws {
        let workshop = Self.workshop(
            .answered(
                .refused(isFinal: false), Answer(httpStatus: 200, responseCode: 9, status: false, message: "Invalid operator"),
                bosReference: Self.number), .found(.notFound, ScriptedBOS.answer))
        await workshop.handle(Workshop.recharge())
        #expect(workshop.calibrator.calibration(of: "merchant").findsRecharges)
        for _ in 0..<3 {
            workshop.clock.advance(by: .seconds(600))
            _ = try await workshop.poll()
        }
        #expect(try await workshop.record()?.progress.state == .inDoubt)
        workshop.calibrator.conclude(
            .passed(showsData: false, hasOwnNumbers: true), .init(registerID: "merchant", name: .bosReference), isCertain: true)
        for _ in 0..<3 {
            workshop.clock.advance(by: .seconds(600))
            _ = try await workshop.poll()
        }
        #expect(workshop.replies.last?.text("outcome") == "failed")
    }

    @Test("a recharge that BOS has executed calibrates the enquiry by its number and by its reference")
    func executed() async {
        let workshop = Self.workshop(.answered(.done, ScriptedBOS.answer, bosReference: Self.number))
        for name in EngineConfiguration.EnquiryName.allCases {
            workshop.calibrator.conclude(.untried, .init(registerID: "merchant", name: name), isCertain: true)
        }
        await workshop.handle(Workshop.recharge())
        let running = Task { await workshop.calibrator.run() }
        for name in EngineConfiguration.EnquiryName.allCases {
            while !workshop.calibrator.calibration(of: "merchant", by: name).findsRecharges, !Task.isCancelled { await Task.yield() }
            #expect(workshop.calibrator.calibration(of: "merchant", by: name).findsRecharges)
        }
        running.cancel()
        await running.value
        #expect(Set(workshop.bos.calls.enquiries) == [Self.number, "R1"])
    }
}
