import Foundation
import Testing

extension EndToEnd {
    @Suite struct Throughput {
        @Test("every recharge is executed once and answered once, and the queues end empty")
        func everyRechargeIsExecutedAndAnsweredOnce() async throws {
            try await System.run(simulator: ["--latency", "1ms-10ms"]) { system in
                let worker = try await system.startReadyWorker()
                let references = System.references(Scale.jobs)
                try await system.upstream.publishRecharges(references)
                try await system.upstream.waitForFinals(references.count)
                try await repeatOne(references, in: system)
                try await system.finish(worker)
                try await system.expectAllSucceeded(references)
                #expect(
                    system.upstream.replies.allSatisfy { $1.count == ($0 == references[0] ? 2 : 1) },
                    "an undisturbed worker sends a second reply only to a second request")
                #expect(try await system.callsReceived("DoRecharge") == references.count)
            }
        }

        /// Publishes a job again. It gets the same reply, which does not count in the job's duration.
        private func repeatOne(_ references: [String], in system: System) async throws {
            try await system.upstream.publishRecharges([references[0]])
            #expect(await eventually { system.upstream.replies[references[0]]?.count == 2 })
            let published = "bos_replies_published_total{kind=\"recharge\"} \(references.count + 1)\n"
            #expect(await eventually { try await Web.get("\(system.http)/metrics").text.contains(published) })
            let metrics = try await Web.get("\(system.http)/metrics").text
            #expect(metrics.contains("bos_job_duration_seconds_count{kind=\"recharge\"} \(references.count)\n"))
        }
    }
}
