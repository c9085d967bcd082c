import AMQP
import BrokerKit
import Testing

@Suite("publishing", .timeLimit(.minutes(2)))
struct PublishTests {
    @Test("a publish returns when the broker has confirmed it, and the message is in the queue")
    func publishReturnsOnConfirm() async throws {
        try await TestConnection.withQueue { client, queue in
            try await client.publish("one", to: queue)
            #expect(try await client.connection.depth(of: queue).messages == 1)
        }
    }

    @Test("hundreds of publishes run at once, and the broker confirms each of them")
    func manyPublishesAtOnce() async throws {
        try await TestConnection.withQueue(["x-queue-type": .string("quorum")]) { client, queue in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<1000 { group.addTask { try await client.publish("\(number)", to: queue) } }
                try await group.waitForAll()
            }
            #expect(try await client.connection.depth(of: queue).messages == 1000)
            #expect(client.connection.status.unconfirmed == 0)
        }
    }

    @Test("a mandatory message that no queue is bound for is reported as returned, and the others are confirmed")
    func unroutableMessageIsReturned() async throws {
        try await TestConnection.withQueue { client, queue in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        guard number % 3 == 0 else { return try await client.publish("same", to: queue) }
                        await #expect(throws: PublishError.returned(code: 312, text: "NO_ROUTE")) {
                            try await client.publish("same", to: "\(queue)-nowhere")
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await client.connection.depth(of: queue).messages == 133)
        }
    }

    @Test("a message that a full queue refuses is reported as refused")
    func fullQueueRefuses() async throws {
        let queue = TestBroker.name()
        let arguments: [String: FieldValue] = ["x-max-length": .int(1), "x-overflow": .string("reject-publish")]
        try await TestConnection.with(topology: [.queue(name: queue, arguments: arguments)]) { client in
            try await client.connection.whenConnected()
            try await client.publish("fits", to: queue)
            await #expect(throws: PublishError.refused) { try await client.publish("does not", to: queue) }
            try await client.connection.delete(queue: queue)
        }
    }

    @Test("properties and headers of every kind arrive as they were sent")
    func propertiesRoundTrip() async throws {
        let queue = TestBroker.name()
        var properties = Properties()
        properties.contentType = "application/json"
        properties.contentEncoding = "utf-8"
        properties.correlationID = "c-ü"
        properties.replyTo = "somewhere"
        properties.expiration = "600000"
        properties.messageID = "m-1"
        properties.type = "recharge"
        properties.appID = "tests"
        properties.deliveryMode = .transient
        properties.priority = 3
        properties.timestamp = 1_700_000_000
        properties.headers = [
            "bool": .bool(true), "int": .int(.min), "double": .double(0.1), "decimal": .decimal(scale: 2, value: 1234),
            "string": .string(""),
            "bytes": .bytes([0, 255]), "time": .timestamp(1_700_000_000), "null": .null,
            "array": .array([.int(1), .string("zwei"), .array([])]),
            "table": .table(["in": .table(["deep": .bool(false)])]),
        ]
        let message = Message(body: Array("{}".utf8), properties: properties)
        try await TestConnection.with(topology: [.queue(name: queue)]) { client in
            try await client.connection.whenConnected()
            try await client.connection.publish(message, exchange: "", routingKey: queue, mandatory: true)
            var iterator = client.connection.consume(queue: queue, prefetch: 1).makeAsyncIterator()
            let delivery = try #require(await iterator.next())
            #expect(delivery.message == message)
            #expect(delivery.exchange == "" && delivery.routingKey == queue && delivery.queue == queue && !delivery.isRedelivered)
            delivery.ack()
            try await client.connection.delete(queue: queue)
        }
    }

    @Test("bodies of all sizes around the frame's size arrive whole", arguments: [0, 1, 131_063, 131_064, 131_065, 262_128, 1 << 20])
    func bodiesAroundFrameSizeArriveWhole(size: Int) async throws {
        try await TestConnection.withQueue { client, queue in
            let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try await client.connection.publish(Message(body: body), exchange: "", routingKey: queue, mandatory: true)
            var iterator = client.connection.consume(queue: queue, prefetch: 1).makeAsyncIterator()
            let delivery = try #require(await iterator.next())
            #expect(delivery.message.body == body)
            delivery.ack()
        }
    }

    @Test("a message that cannot be encoded is refused before a byte is written, and the session stays")
    func invalidMessageIsRefusedUnwritten() async throws {
        try await TestConnection.with { client in
            try await client.connection.whenConnected()
            var large = Properties()
            large.headers["x"] = .string(String(repeating: "a", count: 131_072))
            var long = Properties()
            long.correlationID = String(repeating: "a", count: 256)
            var expiring = Properties()
            expiring.expiration = "soon"
            var named = Properties()
            named.headers[String(repeating: "a", count: 256)] = .null
            for properties in [large, long, expiring, named] {
                await #expect {
                    try await client.connection.publish(Message(body: [], properties: properties), exchange: "amq.fanout", routingKey: "")
                } throws: {
                    if case .invalid? = $0 as? PublishError { true } else { false }
                }
            }
            try await client.connection.publish(Message(body: []), exchange: "amq.fanout", routingKey: "")
            #expect(client.connection.status.reconnects == 0)
        }
    }

    @Test("headers just small enough for one frame are sent")
    func largestHeadersAreSent() async throws {
        try await TestConnection.with { client in
            try await client.connection.whenConnected()
            var properties = Properties()
            properties.headers["x"] = .string(String(repeating: "a", count: 130_900))
            try await client.connection.publish(Message(body: [], properties: properties), exchange: "amq.fanout", routingKey: "")
        }
    }

    @Test("without a session nothing is sent, and the error says why")
    func withoutSessionNothingIsSent() async throws {
        try await TestConnection.with("amqp://127.0.0.1:1") { client in
            _ = await client.events.setupError()
            await #expect {
                try await client.publish("x", to: "y")
            } throws: {
                if case .notSent? = $0 as? PublishError { true } else { false }
            }
        }
    }

    @Test("a received user id does not end the session when the message is forwarded")
    func receivedUserIDIsNotForwarded() async throws {
        try await TestConnection.with { client in
            try await client.connection.whenConnected()
            var properties = Properties()
            properties.userID = "another user"
            try await client.connection.publish(Message(body: [], properties: properties), exchange: "amq.fanout", routingKey: "")
            #expect(client.connection.status.reconnects == 0)
        }
    }
}
