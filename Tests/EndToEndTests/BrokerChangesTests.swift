import AMQP
import BrokerKit
import Foundation
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite
import Testing

extension EndToEnd {
    /// What others do on the broker while worker and poller are at work.
    @Suite struct BrokerChanges {
        @Test("a reply that the worker's user may not write costs itself alone: all others arrive, it stays owed and is named once")
        func forbiddenReply() async throws {
            try await System.run { system in
                let user = "\(system.names.prefix)-user"
                let own = "^\(system.names.prefix)\\."
                try await system.broker.ctl("add_user", user, "secret")
                try await system.broker.ctl("set_permissions", user, own, own, own)
                let url = system.broker.url.replacing("guest:guest", with: "\(user):secret")
                let worker = try await system.startReadyWorker(["BOS_AMQP_URLS": url])
                try await system.upstream.publish(Upstream.recharge("A"), as: "A", replyTo: "amq.gen-x")
                try #require(await eventually { try await system.executions()["A"] == 1 })
                let others = System.references(20)
                try await system.upstream.publishRecharges(others)
                #expect(await eventually(within: .seconds(8)) { system.upstream.finalCount == 20 }, "\(worker.output)")
                #expect(await eventually { try await system.ledgerSummary().unpublishedReplies == 1 })
                let told = worker.output.split(separator: "\n").filter { $0.contains("a reply could not be published") }
                #expect(told.count == 1 && told.allSatisfy { $0.contains("403") && $0.contains("amq.default") }, "\(worker.output)")
                #expect(!(try await Web.get("\(system.http)/metrics").text.contains("bos_amqp_reconnects_total{role=\"publish\"} 1")))
                #expect(await system.isReady())
                #expect(await system.stop(worker) == 0)
                try await system.broker.ctl("delete_user", user)
            }
        }

        @Test(
            "a reply that leads nowhere is kept in the unrouted queue, though its exchange has no alternate; where that leads nowhere, it stays owed"
        )
        func unrouted() async throws {
            try await System.run { system in
                #expect(await system.stop(try await system.startReadyWorker()) == 0)
                let names = system.names
                try await system.onBroker { broker in
                    try await broker.delete(exchange: names.replies)
                    try await broker.declare([.exchange(name: names.replies, kind: "topic")])
                }
                let checked = ["BOS_AMQP_DECLARE_TOPOLOGY": "false"]
                let worker = try await system.startReadyWorker(checked)
                try await system.upstream.publish(Upstream.recharge("one"), as: "one", replyTo: "nowhere")
                #expect(await eventually { try await system.upstream.depth(of: names.unrouted) == 1 }, "\(worker.output)")
                #expect(await eventually { try await Web.get("\(system.http)/metrics").text.contains("bos_replies_unrouted_total 1\n") })
                #expect(await eventually { try await system.ledgerSummary().unpublishedReplies == 0 })

                try await system.onBroker { broker in
                    try await broker.delete(exchange: names.unrouted)
                    try await broker.declare([.exchange(name: names.unrouted, kind: "fanout")])
                }
                try await system.upstream.publish(Upstream.recharge("two"), as: "two", replyTo: "nowhere")
                #expect(await eventually { worker.output.contains("a reply could not be published") }, "\(worker.output)")
                #expect(try await system.ledgerSummary().unpublishedReplies == 1)
                try await system.onBroker { broker in
                    try await broker.declare([.binding(queue: names.unrouted, exchange: names.unrouted, routingKey: "")])
                }
                #expect(await eventually { try await system.upstream.depth(of: names.unrouted) == 2 }, "\(worker.output)")
                #expect(worker.output.split(separator: "\n").count { $0.contains("a reply could not be published") } == 1)
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("a policy that expires the queues takes neither lock nor marker; the others are missed, named by readyz and declared again")
        func expiry() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                let (names, policy) = (system.names, "\(system.names.prefix)-tidy")
                try await system.broker.ctl("set_policy", policy, "^\(names.prefix)\\.", #"{"expires":2000}"#, "--apply-to", "queues")
                #expect(await system.readinessNames([names.dead, names.unrouted]), "\(worker.output)")
                let queues = try await system.broker.ctl("list_queues", "name").split(separator: "\n").map(String.init)
                #expect(queues.contains(names.lock) && queues.contains(names.ledger), "\(queues)")
                try await system.broker.ctl("clear_policy", policy)
                #expect(await system.isReady())
                // Bindings are there again as well.
                try await system.upstream.publish([], as: "dead")
                try await system.upstream.publish(Upstream.recharge("lost"), as: "lost", replyTo: "nowhere")
                for queue in [names.dead, names.unrouted] {
                    #expect(await eventually { try await system.upstream.depth(of: queue) == 1 }, "\(queue)")
                }
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("lock and marker are had again when they are deleted, readyz says so, and a worker with another ledger stays refused")
        func deletedClaims() async throws {
            try await System.run(["BOS_AMQP_HEARTBEAT": "2s"]) { system in
                let worker = try await system.startReadyWorker()
                let names = system.names
                for queue in [names.lock, names.ledger] { try await system.broker.ctl("delete_queue", queue) }
                #expect(await system.readinessNames([names.lock, names.ledger]), "\(worker.output)")
                #expect(await system.isReady())
                let other = try system.startWorker(
                    ["BOS_HTTP_LISTEN": "127.0.0.1:0", "BOS_LEDGER_URL": "sqlite:\(system.folder.path)/other.sqlite"], log: "other.log")
                #expect(await other.exitCode() == 78)
                try await system.upstream.publishRecharges(["one"])
                try await system.upstream.waitForFinals(1)
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("no recharge is taken while another ledger has the marker")
        func stolenMarker() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                let names = system.names
                let theirs = TopologyItem.marker(
                    queue: names.ledger, text: "theirs",
                    arguments: ["x-queue-type": .string("quorum"), "x-dead-letter-exchange": .string(names.dead)])
                // Whoever is quicker has the marker; a thief has as many tries as it likes.
                try await system.onBroker { broker in
                    while true {
                        try await broker.delete(queue: names.ledger)
                        if (try? await broker.declare([theirs])) != nil { break }
                    }
                }
                let isRefused = await eventually { try await Web.get("\(system.http)/readyz").text.contains("belongs to another ledger") }
                #expect(isRefused, "\(worker.output)")
                try await system.upstream.publishRecharges(["waits"])
                #expect(await eventually { try await system.upstream.depth(of: names.recharge) == 1 })
                #expect(try await system.executions().isEmpty)
                try await system.broker.ctl("delete_queue", names.ledger)
                try await system.upstream.waitForFinals(1)
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("a poller with another ledger ends and names both; one that finds no marker waits for the worker and publishes nothing")
        func foreignPoller() async throws {
            try await System.run { system in
                let other = "\(system.folder.path)/other.sqlite"
                let ledger = try await SQLiteLedger.open(.init(path: other, owner: "test"))
                let theirs = try await ledger.identity()
                await ledger.close()
                let (early, http) = try system.startPoller(["BOS_LEDGER_URL": "sqlite:\(other)"])
                #expect(await eventually { try await Web.get("\(http)/readyz").text.contains("bos-worker makes it when it starts") })
                let worker = try await system.startReadyWorker()
                #expect(await early.exitCode() == 78)
                let ours = try await SQLiteLedger.openReadOnly(path: "\(system.folder.path)/ledger.sqlite").closing {
                    try await $0.identity()
                }
                #expect(early.output.contains(theirs) && early.output.contains(ours), "\(early.output)")
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("bosctl settles a doubt of a ledger and publishes nothing to the virtual host of another one; the ledger's own worker does")
        func foreignResolve() async throws {
            try await System.run { system in
                let other = ["BOS_LEDGER_URL": "sqlite:\(system.folder.path)/other.sqlite"]
                #expect(await system.stop(try await system.startReadyWorker(other)) == 0)
                // Long enough ago for its request to be over.
                let sentAt = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) + .seconds(-60)
                try await system.store("r", .parked, sentAt: sentAt)
                let resolve = try await system.bosctl("resolve", "r", "--failed", "--reason", "they said so", "--yes")
                #expect(resolve.code == 75 && resolve.output.contains("belongs to another ledger"), "\(resolve.output)")
                #expect(system.upstream.finalCount == 0)
                #expect(try await system.ledgerSummary().unpublishedReplies == 1)
            }
        }

        @Test("a second worker with a lock and a marker of its own takes no job from a queue that has a worker, and says why")
        func otherNames() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                let second = try system.startWorker(
                    [
                        "BOS_HTTP_LISTEN": "127.0.0.1:0", "BOS_LEDGER_URL": "sqlite:\(system.folder.path)/other.sqlite",
                        "BOS_AMQP_QUEUES_LOCK": "\(system.names.prefix).lock2", "BOS_AMQP_QUEUES_LEDGER": "\(system.names.prefix).ledger2",
                    ], log: "second.log")
                #expect(await eventually { second.output.contains("another program consumes it") }, "\(second.output)")
                try await system.upstream.publishRecharges(System.references(20))
                try await system.upstream.waitForFinals(20)
                #expect(try await system.ledgerSummary().stored[LedgerSummary.Key(.recharge, .succeeded)] == 20)
                #expect(await system.stop(second) == 0)
                #expect(await system.stop(worker) == 0)
            }
        }
    }
}

extension System {
    /// Whether the worker says of each of the queues, sooner or later, that it is not ready because the queue was gone.
    fileprivate func readinessNames(_ queues: Set<String>) async -> Bool {
        var unnamed = queues
        return await eventually {
            let answer = try await Web.get("\(http)/readyz")
            if answer.status == 503 { unnamed = unnamed.filter { !answer.text.contains("queue \($0): it was gone") } }
            return unnamed.isEmpty
        }
    }
}
