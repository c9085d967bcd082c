import AMQP
import BrokerKit
import ExactJSON
import Foundation
import JobModel
import Ledger
import Testing

extension EndToEnd {
    /// Replies to special addresses, and to addresses that cannot take them.
    @Suite struct ReplyAddresses {
        @Test(
            "a direct reply reaches its caller and is kept nowhere else; it is kept if the caller is gone; an address that no broker has made affects its own reply only"
        )
        func directRepliesReachTheirCaller() async throws {
            try await System.run { system in
                let names = system.names
                let first = try await system.startReadyWorker()
                try await DirectCaller.with(system.broker) { caller in
                    try await caller.publish(
                        Upstream.recharge("there"), exchange: names.jobs, routingKey: "recharge", correlationID: "there")
                    let reply = try JSONValue.parse(try await caller.reply())
                    #expect(reply["outcome"]?.text == "succeeded" && reply["reference"]?.text == "there")
                }
                #expect(await eventually { try await system.ledgerSummary().unpublishedReplies == 0 })
                #expect(try await system.upstream.depth(of: names.unrouted) == 0)
                #expect(!first.output.contains("reply.unroutable"), "\(first.output)")

                #expect(await system.stop(first) == 0)
                try await DirectCaller.with(system.broker) { caller in
                    try await caller.publish(Upstream.recharge("gone"), exchange: names.jobs, routingKey: "recharge", correlationID: "gone")
                }
                try #require(await eventually { try await system.upstream.depth(of: names.recharge) == 1 })
                let second = try await system.startReadyWorker()
                #expect(await eventually { try await system.upstream.depth(of: names.unrouted) == 1 }, "\(second.output)")

                try await system.upstream.publish(Upstream.recharge("bad"), as: "bad", replyTo: "amq.rabbitmq.reply-to.!!!.k")
                #expect(await eventually { try await system.upstream.depth(of: names.unrouted) == 2 }, "\(second.output)")
                try await system.upstream.publishRecharges(System.references(20))
                try await system.upstream.waitForFinals(20)
                #expect(await eventually { try await system.ledgerSummary().unpublishedReplies == 0 })
                #expect(second.output.split(separator: "\n").count { $0.contains("reply.unroutable") } == 2)
                #expect(!second.output.contains("broker.lost"), "\(second.output)")
                #expect(await system.stop(second) == 0)
            }
        }

        @Test(
            "a full queue that is bound beside the right one is logged once, few copies of a reply are published, and none is owed once the queue has room"
        )
        func fullQueueKeepsRepliesOwed() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                let audit = "\(system.names.prefix).audit"
                let full: [String: FieldValue] = ["x-max-length": .int(20), "x-overflow": .string("reject-publish")]
                try await system.onBroker { broker in
                    try await broker.declare([
                        .queue(name: audit, arguments: full), .binding(queue: audit, exchange: system.names.replies, routingKey: "#"),
                    ])
                    try await broker.publish(20, to: audit)
                }
                let references = System.references(20)
                try await system.upstream.publishRecharges(references)
                try await system.upstream.waitForFinals(20)
                #expect(await eventually { worker.output.contains("reply.refused") }, "\(worker.output)")
                #expect(try await system.ledgerSummary().unpublishedReplies == 20)
                try await system.broker.ctl("purge_queue", audit)
                #expect(await eventually { try await system.ledgerSummary().unpublishedReplies == 0 }, "\(worker.output)")
                // The pauses double: 0, 1, 2, 4, 8, 16, 32 s. So there are at most eight copies within a minute.
                for reference in references { #expect(system.upstream.replies[reference, default: []].count <= 8) }
                let complaints = worker.output.split(separator: "\n").filter { $0.contains("reply.refused") }
                #expect(complaints.count == 1 && complaints.allSatisfy { $0.contains(system.upstream.address) }, "\(complaints)")
                #expect(await eventually { worker.output.contains("reply.accepted") })
                #expect(await system.stop(worker) == 0)
                try await system.onBroker { try await $0.delete(queue: audit) }
            }
        }
    }
}
