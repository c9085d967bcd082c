import AMQP
import BrokerKit
import ExactJSON
import Foundation
import Ledger
import Testing

extension EndToEnd {
    /// No reply is lost, none stops another, and none claims more than the worker knows.
    @Suite struct FieldReplies {
        @Test("a reply that the worker's user may not publish stays owed alone: all others arrive, and the log names it once")
        func forbiddenReplyStopsNoOther() async throws {
            try await System.field { system, bos in
                let user = "\(system.names.prefix)-narrow"
                let own = "^\(system.names.prefix)\\."
                try await system.broker.ctl("add_user", user, "secret")
                try await system.broker.ctl("set_permissions", user, own, own, own)
                let url = system.broker.url.replacing("guest:guest", with: "\(user):secret")
                let worker = try await system.startReadyWorker(["BOS_AMQP_URLS": url])
                func complaints() -> [Substring] {
                    System.lines(of: worker, with: #""level":"error""#, "reply.not_published", #""correlation_id":"forbidden""#)
                }
                try await system.upstream.publish(Upstream.recharge("forbidden"), as: "forbidden", replyTo: "amq.gen-x")
                try #require(await eventually { bos.executions["forbidden"] == 1 })
                let references = System.references(20)
                try await system.upstream.publishRecharges(references)
                #expect(await eventually(within: .seconds(10)) { references.allSatisfy { system.lastOutcome($0) == "succeeded" } })
                #expect(bos.executions.count == 21)
                #expect(await eventually { !complaints().isEmpty })
                #expect(await eventually { try await system.ledgerSummary().unpublishedReplies == 1 })
                #expect(await eventually { try await Web.get("\(system.http)/metrics").text.contains("bos_replies_owed 1\n") })
                // Later replies do not repeat the complaint.
                try await system.upstream.publishRecharges(["later"])
                #expect(await eventually { system.lastOutcome("later") == "succeeded" })
                let all = complaints()
                #expect(all.count == 1 && all.allSatisfy { $0.contains("403 ACCESS_REFUSED") && $0.contains("amq.default") }, "\(all)")
                #expect(System.lines(of: worker, with: "reply.not_published").count == 1, "\(worker.output)")
                #expect(!(try await Web.get("\(system.http)/metrics").text.contains("bos_amqp_reconnects_total{role=\"publish\"} 1")))
                #expect(await system.isReady())
                #expect(await system.stop(worker) == 0)
                #expect(try await system.ledgerSummary().unpublishedReplies == 1)
                try await system.broker.ctl("delete_user", user)
            }
        }

        @Test("a question about a recharge that this ledger holds unfinished is answered with pending")
        func questionAboutUnfinishedRechargeIsPending() async throws {
            try await System.field { system, bos in
                bos.on(.recharge) { _ in .hang }
                bos.on(.enquiry, perform: RawBOS.blind)
                let worker = try await system.startReadyWorker()
                try await system.upstream.publishRecharges(["r-1"])
                #expect(await bos.hasHeard(.recharge, about: "r-1"))
                // The rounds: while the request is on its way, in doubt, parked.
                for round in 1...3 {
                    let name = "question-\(round)"
                    try await system.upstream.publish(
                        Array(#"{"referenceid":"r-1"}"#.utf8), as: name, kind: "recharge.status")
                    #expect(await eventually { system.upstream.replies[name]?.last?.isFinal == true })
                    #expect(system.lastOutcome(name) == "pending")
                    if round == 1 { #expect(await bos.hasHeard(.enquiry, about: "r-1")) }
                    if round == 2 { try await system.expectParked(["r-1"]) }
                }
                // BOS is asked about a recharge that this ledger never had. The enquiry has never found a recharge, so its "not found"
                // is no answer.
                try await system.upstream.publish(Array(#"{"referenceid":"r-2"}"#.utf8), as: "stranger", kind: "recharge.status")
                #expect(await eventually { system.lastOutcome("stranger") == "expired" })
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test(
            "without an alternate exchange the worker itself puts an unroutable reply into the unrouted queue; if that is not possible, the reply stays owed"
        )
        func unroutableReplyIsKeptOrOwed() async throws {
            try await System.field(["BOS_AMQP_DECLARE_TOPOLOGY": "false"], keepsUnrouted: false) { system, bos in
                let unrouted = system.names.unrouted
                try await system.onBroker { try await $0.declare(Self.topology(system.names)) }
                let worker = try await system.startReadyWorker()
                try await system.upstream.publish(Upstream.recharge("unheard"), as: "unheard", replyTo: "service-that-is-gone")
                #expect(await bos.hasHeard(.recharge))
                #expect(await eventually(within: .seconds(5)) { try await system.upstream.depth(of: unrouted) == 1 }, "\(worker.output)")
                #expect(await eventually { try await system.ledgerSummary().unpublishedReplies == 0 })
                let metrics = try await Web.get("\(system.http)/metrics").text
                #expect(metrics.contains("bos_replies_unrouted_total 1\n"))

                try await system.onBroker { broker in
                    try await broker.delete(exchange: unrouted)
                    try await broker.declare([.exchange(name: unrouted, kind: "fanout")])
                }
                try await system.upstream.publish(Upstream.recharge("owed"), as: "owed", replyTo: "service-that-is-gone")
                #expect(await eventually { worker.output.contains("reply.not_published") }, "\(worker.output)")
                #expect(try await system.ledgerSummary().unpublishedReplies == 1)
                try await system.onBroker { broker in
                    try await broker.declare([.binding(queue: unrouted, exchange: unrouted, routingKey: "")])
                }
                #expect(await eventually { try await system.upstream.depth(of: unrouted) == 2 }, "\(worker.output)")
                #expect(System.lines(of: worker, with: "reply.not_published").count == 1)
                #expect(await system.stop(worker) == 0)
                let kept = await system.upstream.messages(2, of: unrouted)
                #expect(kept.map(\.properties.correlationID) == ["unheard", "owed"])
            }
        }

        /// The topology that an administrator has declared by hand.
        private static func topology(_ names: Names) -> [TopologyItem] {
            [
                .exchange(name: names.jobs, kind: "direct"), .exchange(name: names.dead, kind: "fanout"),
                .exchange(name: names.unrouted, kind: "fanout"), .queue(name: names.dead), .queue(name: names.unrouted),
                .queue(name: names.recharge), .queue(name: names.status),
                .binding(queue: names.dead, exchange: names.dead, routingKey: ""),
                .binding(queue: names.unrouted, exchange: names.unrouted, routingKey: ""),
                .binding(queue: names.recharge, exchange: names.jobs, routingKey: "recharge"),
                .binding(queue: names.status, exchange: names.jobs, routingKey: "recharge.status"),
                .binding(queue: names.status, exchange: names.jobs, routingKey: "pan.status"),
            ]
        }
    }
}
