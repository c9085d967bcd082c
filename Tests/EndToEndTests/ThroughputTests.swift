import Foundation
import Testing

extension EndToEnd {
    @Suite struct Throughput {
        @Test("every recharge is executed once and answered once, and the queues end empty")
        func undisturbed() async throws {
            try await System.run(simulator: ["--latency", "1ms-10ms"]) { system in
                let worker = try await system.startReadyWorker()
                let references = System.references(Scale.jobs)
                try await system.upstream.publishRecharges(references)
                try await system.upstream.waitForFinals(references.count)
                try await system.finish(worker)
                try await system.expectAllSucceeded(references)
                #expect(system.upstream.replies.values.allSatisfy { $0.count == 1 }, "an undisturbed worker sends no reply twice")
            }
        }
    }
}
