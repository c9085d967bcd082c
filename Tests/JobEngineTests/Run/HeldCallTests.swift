import JobModel
import Testing

@testable import JobEngine

@Suite("A call that is held back", .timeLimit(.minutes(1)))
struct HeldCallTests {
    @Test("for the rate does not wait in a task that is cancelled: the job waits in the ledger instead")
    func cancelled() async {
        let fixture = EngineFixture()
        let gateway = RateLimitedBOS(
            fixture.bos, lanes: fixture.lanes, ratePerSecond: 1, merchant: KnownMerchant(configured: "merchant"), clock: fixture.clock)
        let call = CallOptions(traceparent: nil, timeout: .seconds(1))
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            var held = 0
            for _ in 0..<50 {
                let report = await gateway.enquire("R1", registerID: "merchant", call)
                if case .unanswered(.throttled, .some) = report.event { held += 1 }
            }
            return held
        }
        task.cancel()
        let held = await task.value
        #expect(held > 0)
        #expect(fixture.bos.calls.enquiries.count == 50 - held)
    }
}
