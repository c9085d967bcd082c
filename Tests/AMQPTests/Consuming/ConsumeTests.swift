import AMQP
import BrokerKit
import Testing

@Suite("consuming", .timeLimit(.minutes(2)))
struct ConsumeTests {
    @Test("an acked message is gone, a requeued one comes again as redelivered, and a rejected one is dead-lettered")
    func settlementsReachBroker() async throws {
        let (queue, dead) = (TestBroker.name(), TestBroker.name("dead"))
        let topology: [TopologyItem] = [
            .queue(name: dead),
            .queue(name: queue, arguments: ["x-dead-letter-exchange": .string(""), "x-dead-letter-routing-key": .string(dead)]),
        ]
        try await TestConnection.with(topology: topology) { client in
            try await client.connection.whenConnected()
            for text in ["ack", "requeue", "reject"] { try await client.publish(text, to: queue) }
            let deliveries = client.connection.consume(queue: queue, prefetch: 10)
            var iterator = deliveries.makeAsyncIterator()
            var redelivered: [String] = []
            while redelivered.isEmpty, let delivery = await iterator.next() {
                switch (delivery.text, delivery.isRedelivered) {
                case ("requeue", false): delivery.requeue()
                case ("reject", _): delivery.reject()
                default:
                    if delivery.isRedelivered { redelivered.append(delivery.text) }
                    delivery.ack()
                }
            }
            #expect(redelivered == ["requeue"])
            try await client.waitForDepth(of: dead, toBe: 1)
            await deliveries.finish()
            #expect(try await client.connection.depth(of: queue).messages == 0)
            try await client.connection.delete(queue: queue)
            try await client.connection.delete(queue: dead)
        }
    }

    @Test("thousands of deliveries that are acked in random order leave nothing behind")
    func acksInAnyOrderLeaveNothing() async throws {
        let queue = TestBroker.name()
        try await TestConnection.with(topology: [.queue(name: queue, arguments: ["x-queue-type": .string("quorum")])]) { client in
            try await client.connection.whenConnected()
            let count = 3000
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<count { group.addTask { try await client.publish("\(number)", to: queue) } }
                try await group.waitForAll()
            }
            let deliveries = client.connection.consume(queue: queue, prefetch: 64)
            var seen: Set<String> = []
            var held: [Delivery] = []
            for await delivery in deliveries {
                seen.insert(delivery.text)
                held.append(delivery)
                if held.count >= 40 || seen.count == count {
                    for delivery in held.shuffled() { delivery.ack() }
                    held = []
                }
                if seen.count == count { break }
            }
            await deliveries.finish()
            #expect(seen.count == count)
            await client.connection.close()
            #expect(client.connection.status.lateAcks == 0)
        }
        try await TestConnection.with { client in
            try await client.connection.whenConnected()
            #expect(try await client.connection.depth(of: queue).messages == 0)
            try await client.connection.delete(queue: queue)
        }
    }

    @Test("the broker never delivers more unsettled messages than the prefetch")
    func prefetchLimitsUnsettledDeliveries() async throws {
        try await TestConnection.withQueue { client, queue in
            for number in 0..<10 { try await client.publish("\(number)", to: queue) }
            let deliveries = client.connection.consume(queue: queue, prefetch: 3)
            // The broker has delivered all that the prefetch allows once only the rest is ready.
            try await client.waitForDepth(of: queue, toBe: 7)
            var iterator = deliveries.makeAsyncIterator()
            let first = await iterator.next()
            #expect(try await client.connection.depth(of: queue).messages == 7)
            first?.ack()
            try await client.waitForDepth(of: queue, toBe: 6)
            await deliveries.finish()
        }
    }

    @Test("pausing requeues untaken deliveries and keeps taken ones; resuming consumes again")
    func pauseRequeuesUntakenAndResumeConsumes() async throws {
        try await TestConnection.withQueue { client, queue in
            for number in 0..<5 { try await client.publish("\(number)", to: queue) }
            let deliveries = client.connection.consume(queue: queue, prefetch: 5)
            var iterator = deliveries.makeAsyncIterator()
            let taken = try #require(await iterator.next())
            #expect(deliveries.isConsuming)
            await deliveries.pause()
            #expect(!deliveries.isConsuming)
            try await client.waitForDepth(of: queue, toBe: 4)
            #expect(try await client.connection.depth(of: queue).consumers == 0)
            taken.ack()
            await deliveries.resume()
            #expect(deliveries.isConsuming)
            var texts: Set<String> = []
            while texts.count < 4, let delivery = await iterator.next() {
                texts.insert(delivery.text)
                delivery.ack()
            }
            #expect(texts == ["1", "2", "3", "4"])
            #expect(client.connection.status.lateAcks == 0)
        }
    }

    @Test("a queue is consumed with another prefetch on request, paused or not, and with its own again after a plain resume")
    func resumeChangesPrefetch() async throws {
        try await TestConnection.withQueue { client, queue in
            for number in 0..<5 { try await client.publish("\(number)", to: queue) }
            let deliveries = client.connection.consume(queue: queue, prefetch: 3)
            var iterator = deliveries.makeAsyncIterator()
            let taken = try #require(await iterator.next())
            await deliveries.pause()
            await deliveries.resume(prefetch: 1)
            #expect(deliveries.isConsuming)
            // The caller holds one delivery from before, and the broker delivers one more.
            try await client.waitForDepth(of: queue, toBe: 3)
            let trial = try #require(await iterator.next())
            #expect(trial.text == "1")
            taken.ack()
            trial.ack()
            try await client.waitForDepth(of: queue, toBe: 2)
            await deliveries.resume()
            try await client.waitForDepth(of: queue, toBe: 0)
            await deliveries.resume(prefetch: 1)
            try await client.waitForDepth(of: queue, toBe: 2)
            var texts: Set<String> = []
            while texts.count < 3, let delivery = await iterator.next() {
                texts.insert(delivery.text)
                delivery.ack()
            }
            #expect(texts == ["2", "3", "4"])
            #expect(client.connection.status.lateAcks == 0 && client.connection.status.reconnects == 0)
        }
    }

    @Test("a requested prefetch outlives the session")
    func requestedPrefetchSurvivesLoss() async throws {
        let queue = TestBroker.name()
        let proxy = try await Proxy(upstream: TestBroker.shared.port)
        defer { proxy.stop() }
        try await TestConnection.with("amqp://127.0.0.1:\(proxy.port)", topology: [.queue(name: queue)]) { client in
            try await client.connection.whenConnected()
            let deliveries = client.connection.consume(queue: queue, prefetch: 3)
            await deliveries.resume(prefetch: 1)
            for number in 0..<3 { try await client.publish("\(number)", to: queue) }
            try await client.waitForDepth(of: queue, toBe: 2)
            proxy.cut()
            _ = await client.events.disconnection()
            try await client.connection.whenConnected()
            var iterator = deliveries.makeAsyncIterator()
            let delivery = try #require(await iterator.next())
            try await client.waitForDepth(of: queue, toBe: 2)
            delivery.ack()
            try await client.connection.delete(queue: queue)
        }
    }

    @Test("finishing ends the sequence and requeues untaken deliveries; taken ones can still be acked")
    func finishEndsSequenceAndRequeuesUntaken() async throws {
        let queue = TestBroker.name()
        try await TestConnection.with(topology: [.queue(name: queue)]) { client in
            try await client.connection.whenConnected()
            for number in 0..<5 { try await client.publish("\(number)", to: queue) }
            let deliveries = client.connection.consume(queue: queue, prefetch: 5)
            var iterator = deliveries.makeAsyncIterator()
            let taken = try #require(await iterator.next())
            await deliveries.finish()
            #expect(await iterator.next() == nil)
            taken.ack()
            await client.connection.close()
            #expect(client.connection.status.lateAcks == 0)
        }
        try await TestConnection.with { client in
            try await client.connection.whenConnected()
            #expect(try await client.connection.depth(of: queue).messages == 4)
            try await client.connection.delete(queue: queue)
        }
    }

    @Test("a body over the limit is dropped, its size is reported, and the session goes on")
    func oversizedBodyIsDropped() async throws {
        try await TestConnection.withQueue(change: { $0.maximumBodySize = 1000 }) { client, queue in
            try await client.connection.publish(Message(body: [UInt8](repeating: 1, count: 3_000_000)), exchange: "", routingKey: queue)
            try await client.connection.publish(Message(body: [UInt8](repeating: 2, count: 1000)), exchange: "", routingKey: queue)
            var iterator = client.connection.consume(queue: queue, prefetch: 2).makeAsyncIterator()
            let large = try #require(await iterator.next())
            #expect(large.isTruncated && large.announcedSize == 3_000_000 && large.message.body.isEmpty)
            large.reject()
            let small = try #require(await iterator.next())
            #expect(!small.isTruncated && small.message.body.count == 1000)
            small.ack()
        }
    }

    @Test("headers that do not fit into the memory for large messages are dropped with their body, and the session goes on")
    func oversizedHeadersAreDropped() async throws {
        try await TestConnection.withQueue(change: { ($0.ordinarySize, $0.roomForLarge) = (1000, 1000) }) { client, queue in
            var message = Message(body: [1, 2])
            message.properties.correlationID = "c"
            message.properties.headers["x"] = .string(String(repeating: "a", count: 2000))
            try await client.connection.publish(message, exchange: "", routingKey: queue)
            var iterator = client.connection.consume(queue: queue, prefetch: 2).makeAsyncIterator()
            let delivery = try #require(await iterator.next())
            #expect(delivery.isTruncated && delivery.announcedSize > 2000 && delivery.message.body.isEmpty)
            #expect(delivery.message.properties.headers.isEmpty && delivery.message.properties.correlationID == "c")
            delivery.reject()
        }
    }

    @Test("a message whose headers outgrow the agreed frame on the broker is delivered, and so are those behind it")
    func headOutgrowsFrame() async throws {
        let (first, second) = (TestBroker.name(), TestBroker.name())
        let deadLetters: [String: FieldValue] = ["x-dead-letter-exchange": .string(""), "x-dead-letter-routing-key": .string(second)]
        try await TestConnection.with(topology: [.queue(name: first, arguments: deadLetters), .queue(name: second)]) { client in
            try await client.connection.whenConnected()
            var long = Message(body: Array("long".utf8))
            // The frame of 128 KiB has room for little more. The broker adds about 300 bytes when it dead-letters the message.
            long.properties.headers["x"] = .string(String(repeating: "a", count: 130_980))
            try await client.connection.publish(long, exchange: "", routingKey: first)
            var rejected = client.connection.consume(queue: first, prefetch: 1).makeAsyncIterator()
            try #require(await rejected.next()).reject()
            try await client.waitForDepth(of: second, toBe: 1)
            try await client.publish("plain", to: second)
            var iterator = client.connection.consume(queue: second, prefetch: 2).makeAsyncIterator()
            let grown = try #require(await iterator.next())
            #expect(grown.text == "long" && grown.message.properties.headers["x"] == long.properties.headers["x"])
            #expect(grown.message.properties.headers["x-first-death-queue"] == .string(first))
            grown.ack()
            let plain = try #require(await iterator.next())
            #expect(plain.text == "plain")
            plain.ack()
            #expect(client.connection.status.reconnects == 0)
            for queue in [first, second] { try await client.connection.delete(queue: queue) }
        }
    }

    @Test("large messages are kept while memory for them is left, whatever the prefetch, and again once others are released")
    func largeMessagesShareMemory() async throws {
        let change: (inout AMQPConfiguration) -> Void = { ($0.ordinarySize, $0.roomForLarge) = (1000, 5000) }
        try await TestConnection.withQueue(change: change) { client, queue in
            let large = Message(body: [UInt8](repeating: 1, count: 2000))
            for _ in 0..<3 { try await client.connection.publish(large, exchange: "", routingKey: queue) }
            try await client.publish("small", to: queue)
            var iterator = client.connection.consume(queue: queue, prefetch: 10).makeAsyncIterator()
            var held: [Delivery] = []
            while held.count < 4, let delivery = await iterator.next() { held.append(delivery) }
            #expect(held.map(\.isTruncated) == [false, false, true, false])
            #expect(held.map(\.announcedSize) == [2000, 2000, 2000, 5])
            for delivery in held { delivery.ack() }
            held = []
            try await client.connection.publish(large, exchange: "", routingKey: queue)
            let next = try #require(await iterator.next())
            #expect(!next.isTruncated)
            next.ack()
        }
    }

    @Test("a second settlement of a delivery is counted and not sent")
    func secondSettlementIsCounted() async throws {
        let queue = TestBroker.name()
        try await TestConnection.with(topology: [.queue(name: queue)]) { client in
            try await client.connection.whenConnected()
            try await client.publish("x", to: queue)
            var iterator = client.connection.consume(queue: queue, prefetch: 2).makeAsyncIterator()
            let delivery = try #require(await iterator.next())
            delivery.ack()
            delivery.reject()
            delivery.ack()
            await client.connection.close()
            #expect(client.connection.status.lateAcks == 2)
            #expect(client.connection.status.reconnects == 0)
        }
        try await TestConnection.with { client in
            try await client.connection.whenConnected()
            try await client.connection.delete(queue: queue)
        }
    }

    @Test("a queue that is deleted under its consumer is declared and consumed again")
    func deletedQueueIsDeclaredAgain() async throws {
        try await TestConnection.withQueue { client, queue in
            let deliveries = client.connection.consume(queue: queue, prefetch: 2)
            await client.events.first { if case .consuming = $0 { true } else { false } }
            try await client.connection.delete(queue: queue)
            await client.events.first { if case .consumerLost = $0 { true } else { false } }
            await client.events.first(skipping: 3) { if case .consuming = $0 { true } else { false } }
            try await client.publish("again", to: queue)
            var iterator = deliveries.makeAsyncIterator()
            let delivery = try #require(await iterator.next())
            #expect(delivery.text == "again")
            delivery.ack()
            #expect(client.connection.status.reconnects == 0)
        }
    }

    @Test("a consumer whose channel the broker closes gets a new channel, and starts once its queue exists")
    func consumerGetsNewChannelAfterClose() async throws {
        let queue = TestBroker.name()
        // The consumer's queue is missing at first. Consuming it closes the channel, until another connection declares the queue.
        try await TestConnection.with { client in
            try await client.connection.whenConnected()
            let deliveries = client.connection.consume(queue: queue, prefetch: 2)
            await client.events.first { if case .consumerLost = $0 { true } else { false } }
            #expect(!deliveries.isConsuming)
            try await TestConnection.with(topology: [.queue(name: queue)]) { other in
                try await other.connection.whenConnected()
                try await other.publish("there", to: queue)
                var iterator = deliveries.makeAsyncIterator()
                let delivery = try #require(await iterator.next())
                #expect(delivery.text == "there")
                delivery.ack()
                #expect(client.connection.status.reconnects == 0)
                try await other.connection.delete(queue: queue)
            }
        }
    }

    @Test("asking for the depth of a missing queue is answered with an error and does not affect the session")
    func depthOfMissingQueueIsAnswered() async throws {
        try await TestConnection.with { client in
            try await client.connection.whenConnected()
            let name = TestBroker.name("missing")
            for _ in 0..<3 {
                await #expect(throws: SessionError.noSuchQueue(name: name)) { _ = try await client.connection.depth(of: name) }
            }
            #expect(client.connection.status.reconnects == 0)
        }
    }
}
