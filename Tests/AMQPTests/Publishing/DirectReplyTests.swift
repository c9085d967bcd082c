import BrokerKit
import Testing

@testable import AMQP

@Suite("a direct reply", .timeLimit(.minutes(1)))
struct DirectReplyTests {
    @Test("has a listener while its caller exists; a name that no broker can have made has none, and the broker is not asked")
    func listenerExistsWhileCallerDoes() async throws {
        try await TestConnection.withQueue { client, queue in
            let deliveries = client.connection.consume(queue: queue, prefetch: 1)
            let name = try await DirectCaller.with(TestBroker.shared) { caller in
                try await caller.publish([1], exchange: "", routingKey: queue, correlationID: "c")
                var requests = deliveries.makeAsyncIterator()
                let request = try #require(await requests.next())
                request.ack()
                let name = try #require(request.message.properties.replyTo)
                #expect(try await client.connection.hasListener(directReplyTo: name))
                let otherKey = String(name.dropLast())
                #expect(DirectReplyTo.isWellFormed(otherKey))
                #expect(try await !client.connection.hasListener(directReplyTo: otherKey))
                for altered in [
                    "amq.rabbitmq.reply-to.!!!.k", "amq.rabbitmq.reply-to.", "amq.rabbitmq.reply-to.g2dk.k", name.lowercased(),
                    String(name.dropLast(40)), name.replacing("reply-to.", with: "reply-to.A"), "\(name).more",
                ] { #expect(!DirectReplyTo.isWellFormed(altered), "\(altered)") }
                #expect(try await !client.connection.hasListener(directReplyTo: "amq.rabbitmq.reply-to.!!!.k"))
                try await client.connection.publish(Message(body: [2]), exchange: "", routingKey: name)
                #expect(try await caller.reply() == [2])
                return name
            }
            // The broker ends the caller's channel only after it has confirmed the close of the caller's connection.
            while try await client.connection.hasListener(directReplyTo: name) {}
            #expect(client.connection.status.reconnects == 0)
        }
    }

    @Test("fails as not sent if it is unknown whether its caller exists")
    func unknownListenerMeansNotSent() async throws {
        // Well formed: a process of a node that does not exist.
        let name = "amq.rabbitmq.reply-to.g1h3B3JlcGx5QDEAAAABAAAAAAAAAAA=.k"
        #expect(DirectReplyTo.isWellFormed(name))
        try await TestConnection.with("amqp://127.0.0.1:1") { client in
            _ = await client.events.setupError()
            await #expect {
                _ = try await client.connection.hasListener(directReplyTo: name)
            } throws: {
                if case .notSent? = $0 as? PublishError { true } else { false }
            }
        }
    }
}

/// In such a close the broker does not say which message caused it.
@Suite("a message over which the broker closes the connection", .timeLimit(.minutes(1)))
struct ConnectionClosingTests {
    @Test("affects no other: it is turned down at the second close, the others are confirmed, and later tries cost one session each")
    func connectionClosingMessageIsIsolated() async throws {
        let queue = TestBroker.name()
        try await TestConnection.with(topology: [.queue(name: queue)]) { client in
            let connection = client.connection
            try await connection.whenConnected()
            /// Publishes again as long as it is unknown whether the broker has the message.
            @Sendable func publish(_ id: String, to routingKey: String) async throws {
                var message = Message(body: [1])
                message.properties.messageID = id
                while true {
                    do throws(PublishError) {
                        return try await connection.publish(message, exchange: "", routingKey: routingKey)
                    } catch {
                        switch error {
                        case .outcomeUnknown, .notSent: try await connection.whenConnected()
                        default: throw error
                        }
                    }
                }
            }
            @Sendable func publishBad() async {
                await #expect {
                    try await publish("bad", to: "amq.rabbitmq.reply-to.!!!.k")
                } throws: {
                    if case .turnedDown(541, _)? = $0 as? PublishError { true } else { false }
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<100 {
                    group.addTask { if number == 50 { await publishBad() } else { try await publish("\(number)", to: queue) } }
                }
                try await group.waitForAll()
            }
            // The reply to a request ensures that the status is of a later turn than the confirms.
            #expect(try await connection.depth(of: queue).messages >= 99)
            #expect(connection.status.reconnects == 2)
            #expect(connection.status.unconfirmed == 0)
            await publishBad()
            try await publish("last", to: queue)
            #expect(connection.status.reconnects == 3)
            try await connection.delete(queue: queue)
        }
    }
}
