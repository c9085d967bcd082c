import AMQP
import BrokerKit
import ExactJSON
import Foundation
import Testing

extension EndToEnd {
    /// Operators publish unrouted replies again.
    @Suite struct UnroutedReplies {
        private static let reason = ["--reason", "the shop has bound its queue"]

        @Test("an unrouted reply stays while its binding is missing, and then reaches its queue under the same message_id")
        func replaysOnceBound() async throws {
            try await System.field { system, bos in
                let worker = try await system.startReadyWorker()
                let queue = "\(system.names.prefix).late"
                for reference in ["r-1", "r-2"] {
                    try await system.upstream.publish(Upstream.recharge(reference), as: reference, replyTo: queue)
                }
                try #require(await eventually { try await system.upstream.depth(of: system.names.unrouted) == 2 })
                let list = try await system.bosctl("unrouted", "list")
                #expect(list.code == 0, "\(list.output)")
                for part in ["r-1", "r-2", "succeeded", "2 in \(system.names.unrouted)"] {
                    #expect(list.output.contains(part), "\(list.output)")
                }
                #expect(list.output.split(separator: "\n").allSatisfy { $0.count <= 100 }, "\(list.output)")

                // More looks than a reply may have before it is put into its queue anew.
                for _ in 0..<11 { _ = try await system.bosctl("unrouted", "list") }
                let missing = try await system.bosctl(["unrouted", "replay", "--all"] + Self.reason)
                #expect(missing.code == 1)
                let said = missing.output.replacing("\n", with: " ")
                #expect(said.contains("no queue is bound to \(system.names.replies) with the routing key \(queue)"), "\(missing.output)")
                #expect(try await system.upstream.depth(of: system.names.unrouted) == 2)

                try await system.onBroker { broker in
                    try await broker.declare([
                        .queue(name: queue), .binding(queue: queue, exchange: system.names.replies, routingKey: queue),
                    ])
                }
                let first = try #require(
                    try await system.bosctl("unrouted", "list", "--json").output.split(separator: "\n").first
                        .map { try JSONValue.parse(Array($0.utf8)) })
                let replayed = try await system.bosctl(["unrouted", "replay", first["id"]?.text ?? "", "--json"] + Self.reason)
                #expect(replayed.code == 0, "\(replayed.output)")
                #expect(replayed.output.contains(#""replayed":true"#), "\(replayed.output)")
                let reply = try #require(await system.upstream.messages(1, of: queue).first)
                #expect(reply.properties.messageID == first["message_id"]?.text)
                #expect(reply.properties.correlationID == first["reference"]?.text)
                #expect(try await system.upstream.depth(of: system.names.unrouted) == 1)
                #expect(try await system.bosctl("log").output.contains("1 published again, 0 left"))
                try await system.onBroker { try await $0.delete(queue: queue) }
                #expect(await system.stop(worker) == 0)
                #expect(bos.executions == ["r-1": 1, "r-2": 1])
            }
        }

        @Test("a reply whose caller waited for a direct reply stays, with the reason")
        func directReplyStays() async throws {
            try await System.field { system, _ in
                let worker = try await system.startReadyWorker()
                let name = "amq.rabbitmq.reply-to.g2dkAARub2RlQGhvc3Q=.key"
                try await system.upstream.publish(Upstream.recharge("r-1"), as: "r-1", replyTo: name)
                try #require(await eventually { try await system.upstream.depth(of: system.names.unrouted) == 1 })
                let stays = try await system.bosctl(["unrouted", "replay", "--all"] + Self.reason)
                #expect(stays.code == 1)
                #expect(stays.output.contains("waited for a direct reply"), "\(stays.output)")
                #expect(try await system.upstream.depth(of: system.names.unrouted) == 1)
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("a replay of replies that is killed at any step loses none", arguments: [0, 1, 2])
        func killedReplayLosesNothing(step: Int) async throws {
            let stops: [FrameProxy.Stop] = [
                .init(side: .program, name: "basic.publish", method: (60, 40)), .init(side: .broker, name: "basic.ack", method: (60, 80)),
                .init(side: .program, name: "basic.ack", method: (60, 80)),
            ]
            try await System.field { system, _ in
                let worker = try await system.startReadyWorker()
                try await system.upstream.publish(Upstream.recharge("r-1"), as: "r-1", replyTo: "\(system.names.prefix).late")
                try #require(await eventually { try await system.upstream.depth(of: system.names.unrouted) == 1 })
                let proxy = try FrameProxy(to: system.broker.port, stop: stops[step])
                defer { proxy.close() }
                let replay = try ChildProcess(
                    "bosctl", arguments: ["unrouted", "replay", "--all"] + Self.reason,
                    environment: system.settings.merging(["BOS_AMQP_URLS": "amqp://guest:guest@127.0.0.1:\(proxy.port)/%2f"]) { $1 },
                    log: system.folder.appendingPathComponent("kill.log"))
                try #require(await eventually { proxy.hasStopped }, "\(replay.output)")
                replay.send(SIGKILL)
                _ = await replay.exitCode()
                // The copy has come back too, under the same message_id, once it was published.
                // Before the acks the last message is there too, until it expires.
                let expected = step + 1
                #expect(await eventually { try await system.upstream.depth(of: system.names.unrouted) == expected })
                let replies = await system.upstream.messages(expected, of: system.names.unrouted).filter { !$0.body.isEmpty }
                #expect(replies.count == min(expected, 2))
                #expect(Set(replies.map(\.properties.messageID)).count == 1)
                #expect(await system.stop(worker) == 0)
            }
        }
    }
}
