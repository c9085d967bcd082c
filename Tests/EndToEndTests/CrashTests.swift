import Foundation
import JobModel
import Testing

extension EndToEnd {
    @Suite struct Crashes {
        @Test("a worker that is killed repeatedly executes no recharge twice and answers each job with one reply")
        func repeatedKillsExecuteNothingTwice() async throws {
            try await System.run(simulator: ["--latency", "5ms-50ms", "--seed", "\(Scale.seed)"]) { system in
                let references = System.references(Scale.crashJobs)
                var generator = SeededGenerator(seed: Scale.seed)
                // Each worker is killed after this many answers. The last kill comes before 90 %, so work is always in flight.
                let moments = (0..<Scale.crashes).map { _ in Int.random(in: 0..<references.count * 9 / 10, using: &generator) }.sorted()
                var worker = try await system.startReadyWorker()
                try await system.upstream.publishRecharges(references)
                for moment in moments {
                    try await system.upstream.waitForFinals(moment)
                    worker.send(SIGKILL)
                    #expect(await worker.exitCode() == 128 + SIGKILL)
                    worker = try system.startWorker()
                }
                try await system.upstream.waitForFinals(references.count)
                try await system.finish(worker)
                try await system.expectAllSucceeded(references)
            }
        }
    }
}
