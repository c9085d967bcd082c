import AMQP
import BrokerKit
import Testing

@Suite("a broker that does not confirm", .timeLimit(.minutes(1)))
struct UnconfirmedTests {
    @Test("has one copy of a message, however often its caller publishes it again, and loses the session in the end")
    func repeatedPublishSendsOneCopy() async throws {
        let proxy = try await Proxy(upstream: TestBroker.shared.port)
        defer { proxy.stop() }
        let queue = TestBroker.name()
        var properties = Properties()
        properties.messageID = "m-1"
        let message = Message(body: [1], properties: properties)
        let topology: [TopologyItem] = [.queue(name: queue)]
        try await TestConnection.with(
            "amqp://127.0.0.1:\(proxy.port)", topology: topology, change: { $0.longestConfirm = .seconds(2) }
        ) { client in
            try await client.connection.whenConnected()
            let deliveries = client.connection.consume(queue: queue, prefetch: 1)
            await client.events.first { if case .consuming = $0 { true } else { false } }
            proxy.fallSilent()
            await withTaskGroup(of: Void.self) { group in
                // The connection's thread checks time limits when it wakes up, and each of these calls wakes it.
                group.addTask { while !Task.isCancelled { await deliveries.resume() } }
                for _ in 0..<3 {
                    await #expect(throws: PublishError.outcomeUnknown("the broker did not confirm it in time")) {
                        try await client.connection.publish(message, exchange: "amq.fanout", routingKey: "", timeout: .milliseconds(1))
                    }
                }
                group.cancelAll()
            }
            #expect(client.connection.status.unconfirmed == 1)
            await #expect(throws: PublishError.self) {
                try await client.connection.publish(message, exchange: "amq.fanout", routingKey: "")
            }
            #expect(await client.events.disconnection() == .timedOut(operation: "the confirms of 1 messages"))
            proxy.cut()
            try await client.connection.whenConnected()
            try await client.connection.delete(queue: queue)
        }
    }

    @Test("has no more messages on the wire than the limit, and the others are sent as it confirms")
    func unconfirmedMessagesAreLimited() async throws {
        let queue = TestBroker.name()
        let topology: [TopologyItem] = [.queue(name: queue, arguments: ["x-queue-type": .string("quorum")])]
        try await TestConnection.with(topology: topology, change: { $0.maximumUnconfirmed = 2 }) { client in
            try await client.connection.whenConnected()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<100 { group.addTask { try await client.publish("\(number)", to: queue) } }
                for _ in 0..<20 {
                    #expect(client.connection.status.unconfirmed <= 2)
                    await Task.yield()
                }
                try await group.waitForAll()
            }
            #expect(try await client.connection.depth(of: queue).messages == 100)
            try await client.connection.delete(queue: queue)
        }
    }
}
