import BrokerKit
import Foundation
import JobModel
import Testing

extension EndToEnd {
    @Suite struct DeliveryTime {
        @Test("a broker that ends consumers after ten seconds with one delivery never ends a worker that holds none for more than five")
        func workerStaysBelowConsumerTimeout() async throws {
            let settings = [
                "BOS_JOBS_TIMEOUT": "5s", "BOS_API_REQUEST_TIMEOUT": "2s", "BOS_POLLER_INTERVAL": "100ms",
                // With an open breaker no delivery would be held for long.
                "BOS_BREAKER_MINIMUM_CALLS": "10000",
            ]
            try await TestBroker.run(configuration: ["consumer_timeout = 10000"]) { broker in
                // How often the broker checks. Its configuration file has no line for this.
                try await broker.ctl("eval", "application:set_env(rabbit, channel_tick_interval, 1000).")
                // BOS answers no recharge before the enquiries, so nothing shows whose number an answer would name. Answers of this
                // shape name none.
                try await System.run(settings, simulator: ["--shape", "page"], broker: broker) { system in
                    let worker = try await system.startReadyWorker()
                    let (poller, _) = try system.startPoller()
                    try await system.setFaults(Self.endless)
                    let references = System.references(30)
                    try await system.upstream.publishRecharges(references)
                    let reasons = try await StuckConsumer.hold(in: system.names.held, url: broker.url, times: 3)
                    #expect(reasons.allSatisfy { $0.contains("delivery acknowledgement") }, "\(reasons)")
                    #expect(await eventually { system.upstream.replies.count == references.count })
                    for replies in system.upstream.replies.values {
                        #expect(Set(replies.map(\.outcome)) == ["in_doubt"])
                        #expect(Set(replies.map(\.messageID)).count == 1)
                    }
                    try await expectUndisturbed(worker, in: system)
                    try await system.setFaults("{}")
                    try await system.upstream.waitForFinals(references.count)
                    try await expectUndisturbed(worker, in: system)
                    try await system.finish(worker)
                    #expect(await system.stop(poller) == 0)
                    try await system.expectAllSucceeded(references)
                }
            }
        }

        /// BOS answers no recharge and no enquiry, but executes every second recharge.
        private static let endless = """
            {"faults":[{"fault":"hang","probability":0.5,"endpoint":"DoRecharge"},\
            {"fault":"answerLost","probability":0.5,"endpoint":"DoRecharge"},{"fault":"hang","probability":1,"endpoint":"RechargesStatus"}]}
            """

        private func expectUndisturbed(_ worker: ChildProcess, in system: System) async throws {
            #expect(!worker.output.contains("consumer.lost"), "\(worker.output)")
            let metrics = try await Web.get("\(system.http)/metrics").text
            for role in ["consume", "publish"] { #expect(metrics.contains("bos_amqp_reconnects_total{role=\"\(role)\"} 0\n")) }
        }
    }
}
