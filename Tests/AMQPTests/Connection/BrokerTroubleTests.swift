import AMQP
import BrokerKit
import Testing

/// This suite uses its own broker, because it kills, blocks and restarts the broker.
@Suite("a broker in trouble", .timeLimit(.minutes(4)))
struct BrokerTroubleTests {
    @Test("publishes wait while the broker is short of memory, continue afterwards, and survive a power cut of the broker")
    func publishesSurviveMemoryAlarmAndPowerCut() async throws {
        let broker = try await TestBroker.start()
        let queue = TestBroker.name()
        let topology: [TopologyItem] = [.queue(name: queue, arguments: ["x-queue-type": .string("quorum")])]
        try await TestConnection.with(broker.url, topology: topology) { client in
            try await client.connection.whenConnected()
            try await blocked(client, broker: broker, queue: queue)
            try await powerCut(client, broker: broker, queue: queue)
        }
        try await closedWhileBlocked(broker, queue: queue)
        try await broker.stop()
    }

    /// Requests sent before the broker said that it blocks, and publishes without a time limit, end with the connection.
    private func closedWhileBlocked(_ broker: TestBroker, queue: String) async throws {
        try await broker.ctl("set_vm_memory_high_watermark", "0.00001")
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await TestConnection.with(broker.url) { client in
                try await client.connection.whenConnected()
                // The broker stops reading at this message, so it never answers what follows in the same turn.
                for number in 0..<10 { group.addTask { _ = try? await client.publish("\(number)", to: queue) } }
                group.addTask { _ = try? await client.connection.depth(of: queue) }
                await client.events.first { if case .blocked = $0 { true } else { false } }
                for number in 10..<20 { group.addTask { _ = try? await client.publish("\(number)", to: queue) } }
            }
            try await group.waitForAll()
        }
        try await broker.ctl("set_vm_memory_high_watermark", "0.4")
    }

    private func blocked(_ client: TestConnection, broker: TestBroker, queue: String) async throws {
        try await broker.ctl("set_vm_memory_high_watermark", "0.00001")
        try await withThrowingTaskGroup(of: Void.self) { group in
            // The broker blocks a connection when its first message comes.
            group.addTask { try await client.publish("first", to: queue) }
            await client.events.first { if case .blocked = $0 { true } else { false } }
            #expect(client.connection.status.isBlocked)
            // A publish with a time limit does not wait longer than that, and its message is never sent.
            let error = try await #require(throws: PublishError.self) {
                try await client.connection.publish(
                    Message(body: Array("late".utf8)), exchange: "", routingKey: queue, timeout: .milliseconds(10))
            }
            #expect("\(error)".hasPrefix("the message was not sent: the broker did not take it in time"))
            // A management request does not wait while the broker reads nothing.
            let refusal = await #expect(throws: SessionError.self) { try await client.connection.depth(of: queue) }
            #expect(refusal?.description.contains("the broker has blocked the connection") == true)
            for number in 0..<100 { group.addTask { try await client.publish("\(number)", to: queue) } }
            // The connection of a consumer is not blocked.
            try await TestConnection.with(broker.url) { other in
                try await other.connection.whenConnected()
                #expect(try await other.connection.depth(of: queue).messages <= 1)
            }
            #expect(client.connection.status.unconfirmed <= 1)
            try await broker.ctl("set_vm_memory_high_watermark", "0.4")
            try await group.waitForAll()
        }
        #expect(!client.connection.status.isBlocked)
        #expect(try await client.connection.depth(of: queue).messages == 101)
        #expect(client.connection.status.reconnects == 0)
    }

    private func powerCut(_ client: TestConnection, broker: TestBroker, queue: String) async throws {
        let deliveries = client.connection.consume(queue: queue, prefetch: 10)
        var iterator = deliveries.makeAsyncIterator()
        let held = try #require(await iterator.next())
        try await broker.kill()
        _ = await client.events.disconnection()
        #expect(!deliveries.isConsuming)
        try await broker.restart()
        try await client.connection.whenConnected()
        held.ack()
        #expect(client.connection.status.lateAcks >= 1)
        var texts: Set<String> = []
        while texts.count < 101, let delivery = await iterator.next() {
            texts.insert(delivery.text)
            delivery.ack()
        }
        #expect(texts.count == 101)
    }
}
