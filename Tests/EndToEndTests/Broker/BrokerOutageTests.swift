import BrokerKit
import Foundation
import Testing

extension EndToEnd {
    @Suite struct BrokerOutage {
        @Test("nothing is lost when the broker is shut down and then killed: the worker is not ready meanwhile, and goes on afterwards")
        func shutDownAndKilledBrokerLosesNothing() async throws {
            try await TestBroker.run { broker in
                try await System.run(simulator: ["--latency", "5ms-20ms"], broker: broker) { system in
                    let worker = try await system.startReadyWorker()
                    let references = System.references(Scale.outageJobs)
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { try await system.upstream.publishRecharges(references) }
                        // The orderly end comes first. RabbitMQ 3.10 forgets a quorum queue if it is killed within seconds of
                        // the declaration.
                        for (part, end) in [Self.shutDown, Self.kill].enumerated() {
                            try await system.upstream.waitForFinals(references.count * (part + 1) / 4)
                            try await end(broker)
                            #expect(await eventually { try await Self.isNotReady(system) })
                            try await broker.restart()
                            #expect(await system.isReady())
                        }
                        try await group.waitForAll()
                    }
                    try await system.upstream.waitForFinals(references.count)
                    try await system.finish(worker)
                    try await system.expectAllSucceeded(references)
                }
            }
        }

        static let shutDown: @Sendable (TestBroker) async throws -> Void = { try await $0.ctl("shutdown") }
        static let kill: @Sendable (TestBroker) async throws -> Void = { try await $0.kill() }

        /// Whether `/readyz` answers 503 and names the broker.
        private static func isNotReady(_ system: System) async throws -> Bool {
            let answer = try await Web.get("\(system.http)/readyz")
            return answer.status == 503 && answer.text.contains("\"broker\"")
        }
    }
}
