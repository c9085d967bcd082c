import AMQP
import InMemoryLogging
import JobModel
import Logging
import Testing

@testable import JobEngine

@Suite("A pause because of credentials", .timeLimit(.minutes(1)))
struct PauseDetailTests {
    private let log = InMemoryLogHandler()

    private func workshop(_ script: ScriptedBOS.Script) -> Workshop {
        let handler = log
        return Workshop(script, logger: Logger(label: "test") { _ in handler })
    }

    /// What the log has said of pauses, without repeats of one lane after the other.
    private var details: [String] {
        log.entries.filter { $0.message == "consuming pauses" && $0.metadata["lane"] == "money" }.compactMap {
            $0.metadata["detail"]?.description
        }
    }

    @Test("names the reason of now: a probe that meets another one than before says so once, in the log and in what is shown")
    func probe() async {
        let workshop = workshop(.refusingAll)
        #expect(await workshop.handle(Workshop.recharge()) == .requeue)
        #expect(workshop.gate.pauses[.credentials]?.contains("DoRecharge: scripted") == true)
        for _ in 0..<2 { #expect(await workshop.probe.look(at: .credentials, in: workshop.lanes.money) == .stands) }
        #expect(workshop.gate.pauses[.credentials]?.contains("RechargesStatus: scripted") == true)
        #expect(details.count == 2)
        var script = ScriptedBOS.Script.refusingAll
        script.probe = .unanswered(.notSent, retryAfter: nil)
        workshop.bos.play(script)
        for _ in 0..<2 { #expect(await workshop.probe.look(at: .credentials, in: workshop.lanes.money) == .stands) }
        #expect(workshop.gate.pauses[.credentials]?.hasPrefix("BOS has refused our credentials, and cannot be asked") == true)
        #expect(details.count == 3)
        #expect(details.last == workshop.gate.pauses[.credentials])
    }

    @Test("that has passed is not brought back by a probe that ends late")
    func late() async {
        let workshop = workshop(.refusingAll)
        #expect(await workshop.probe.look(at: .credentials, in: workshop.lanes.money) == .stands)
        #expect(workshop.gate.isOpen)
        #expect(details.isEmpty)
    }

    @Test("is named again where a job meets another reason than before")
    func job() async {
        let workshop = workshop(ScriptedBOS.Script())
        for detail in ["no token", "no token", "code 16"] { await workshop.gate.close(.credentials, detail) }
        for detail in ["HTTP 500", "HTTP 502"] { await workshop.gate.close(.bos, detail) }
        #expect(workshop.gate.pauses == [.credentials: "code 16", .bos: "HTTP 502"])
        #expect(details == ["no token", "code 16", "HTTP 500"])
    }
}
