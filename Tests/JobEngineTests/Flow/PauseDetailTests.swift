import AMQP
import InMemoryLogging
import JobModel
import Logging
import Testing

@testable import JobEngine

@Suite("A pause because of credentials", .timeLimit(.minutes(1)))
struct PauseDetailTests {
    private let log = InMemoryLogHandler()

    private func makeFixture(_ script: ScriptedBOS.Script) -> EngineFixture {
        let handler = log
        return EngineFixture(script, logger: Logger(label: "test") { _ in handler })
    }

    /// What the log has said of pauses, without repeats of one lane after the other.
    private var details: [String] {
        log.entries.filter {
            ["consumption.paused", "consumption.reason_changed"].contains($0.metadata["event"])
                && $0.metadata["lane"] == "money"
        }.compactMap {
            $0.metadata["detail"]?.description
        }
    }

    @Test("names the reason of now: a probe that meets another one than before says so once, in the log and in what is shown")
    func probe() async {
        let fixture = makeFixture(.refusingAll)
        #expect(await fixture.handle(EngineFixture.recharge()) == .requeue)
        #expect(fixture.gate.pauses[.credentials]?.contains("DoRecharge: scripted") == true)
        for _ in 0..<2 { #expect(await fixture.probe.look(at: .credentials, in: fixture.lanes.money) == .stands) }
        #expect(fixture.gate.pauses[.credentials]?.contains("RechargesStatus: scripted") == true)
        #expect(details.count == 2)
        var script = ScriptedBOS.Script.refusingAll
        script.probe = .unanswered(.notSent, retryAfter: nil)
        fixture.bos.play(script)
        for _ in 0..<2 { #expect(await fixture.probe.look(at: .credentials, in: fixture.lanes.money) == .stands) }
        #expect(fixture.gate.pauses[.credentials]?.hasPrefix("BOS has refused our credentials, and cannot be asked") == true)
        #expect(details.count == 3)
        #expect(details.last == fixture.gate.pauses[.credentials])
    }

    @Test("that has passed is not brought back by a probe that ends late")
    func late() async {
        let fixture = makeFixture(.refusingAll)
        #expect(await fixture.probe.look(at: .credentials, in: fixture.lanes.money) == .stands)
        #expect(fixture.gate.isOpen)
        #expect(details.isEmpty)
    }

    @Test("is named again where a job meets another reason than before")
    func job() async {
        let fixture = makeFixture(ScriptedBOS.Script())
        for detail in ["no token", "no token", "code 16"] { await fixture.gate.close(.credentials, detail: detail) }
        for detail in ["HTTP 500", "HTTP 502"] { await fixture.gate.close(.bos, detail: detail) }
        #expect(fixture.gate.pauses == [.credentials: "code 16", .bos: "HTTP 502"])
        #expect(details == ["no token", "code 16", "HTTP 500"])
    }
}
