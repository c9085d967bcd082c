import AMQP
import BrokerKit
import Foundation
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite
import Testing

extension EndToEnd {
    /// Changes that others make on the broker while worker and poller run.
    @Suite struct BrokerChanges {
        @Test("the worker takes no recharge while the marker belongs to another ledger")
        func foreignMarkerStopsRecharges() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                let names = system.names
                let theirs = TopologyItem.marker(
                    queue: names.ledger, text: "theirs",
                    arguments: ["x-queue-type": .string("quorum"), "x-dead-letter-exchange": .string(names.dead)])
                // Worker and test race for the marker. The test tries until it has won.
                try await system.onBroker { broker in
                    while true {
                        try await broker.delete(queue: names.ledger)
                        if (try? await broker.declare([theirs])) != nil { break }
                    }
                }
                let isRefused = await eventually { try await Web.get("\(system.http)/readyz").text.contains("belongs to another ledger") }
                #expect(isRefused, "\(worker.output)")
                // A message is ready for a moment even if it is consumed, so the consumer has to be gone first.
                #expect(await eventually { try await system.upstream.consumers(of: names.recharge) == 0 })
                try await system.upstream.publishRecharges(["waits"])
                #expect(await eventually { try await system.upstream.depth(of: names.recharge) == 1 })
                #expect(try await system.executions().isEmpty)
                try await system.broker.ctl("delete_queue", names.ledger)
                try await system.upstream.waitForFinals(1)
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("a poller with another ledger ends and names both; one that finds no marker waits for the worker and publishes nothing")
        func pollerOfAnotherLedgerEnds() async throws {
            try await System.run { system in
                let other = "\(system.folder.path)/other.sqlite"
                let ledger = try await SQLiteLedger.open(.init(path: other, owner: "test"))
                let theirs = try await ledger.identity()
                await ledger.close()
                let (early, http) = try system.startPoller(["BOS_LEDGER_URL": "sqlite:\(other)"])
                #expect(
                    await eventually { try await Web.get("\(http)/readyz").text.contains("bos-worker declares the queue when it starts") })
                let worker = try await system.startReadyWorker()
                #expect(await early.exitCode() == 78)
                let ours = try await SQLiteLedger.openReadOnly(path: "\(system.folder.path)/ledger.sqlite").closing {
                    try await $0.identity()
                }
                #expect(early.output.contains(theirs) && early.output.contains(ours), "\(early.output)")
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("a second worker with a lock and a marker of its own takes no job from a queue that has a worker, and says why")
        func secondConsumerIsRefused() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                let second = try system.startSecondWorker(
                    ledger: "\(system.folder.path)/other.sqlite",
                    settings: [
                        "BOS_AMQP_QUEUES_LOCK": "\(system.names.prefix).lock2", "BOS_AMQP_QUEUES_LEDGER": "\(system.names.prefix).ledger2",
                    ])
                #expect(await eventually { second.output.contains("another program consumes it") }, "\(second.output)")
                try await system.upstream.publishRecharges(System.references(20))
                try await system.upstream.waitForFinals(20)
                #expect(try await system.ledgerSummary().stored[LedgerSummary.Key(.recharge, in: .succeeded)] == 20)
                #expect(await system.stop(second) == 0)
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("if amqp.urls names brokers that are not a cluster, replies go to the broker that the jobs come from")
        func repliesStayOnTheBrokerOfTheJobs() async throws {
            try await System.run { system in
                let host = "\(system.names.prefix)-elsewhere"
                try await system.broker.ctl("add_vhost", host)
                try await system.broker.ctl("set_permissions", "-p", host, "guest", ".*", ".*", ".*")
                let elsewhere = system.broker.url.replacing("%2f", with: host)
                // The worker can publish on the first URL, but not consume: the lock is taken there.
                try await BrokerOperator(url: elsewhere).hold([.exclusiveQueue(name: system.names.lock)]) {
                    let worker = try await system.startReadyWorker(["BOS_AMQP_URLS": "\(elsewhere),\(system.broker.url)"])
                    try await system.upstream.publishRecharges(["one"])
                    #expect(await eventually { system.upstream.finalCount == 1 }, "\(worker.output)")
                    #expect(await system.stop(worker) == 0)
                }
                try await system.broker.ctl("delete_vhost", host)
            }
        }
    }
}
