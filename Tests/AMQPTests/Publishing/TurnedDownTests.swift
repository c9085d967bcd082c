import AMQP
import BrokerKit
import Testing

/// The broker closes a channel over such a message, and does not say which message it was.
@Suite("a message that the broker turns down", .timeLimit(.minutes(2)))
struct TurnedDownTests {
    @Test("affects no other message: the others are confirmed in the same session, and later messages to the same exchange work")
    func missingExchangeAffectsNoOtherMessage() async throws {
        let queue = TestBroker.name()
        let missing = TestBroker.name("missing")
        try await TestConnection.with(topology: [.queue(name: queue, arguments: ["x-queue-type": .string("quorum")])]) { client in
            try await client.connection.whenConnected()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<300 {
                    group.addTask {
                        guard number % 100 == 50 else { return try await client.publish("\(number)", to: queue) }
                        await Self.expectTurnedDown(404, naming: missing) {
                            try await client.connection.publish(Message(body: []), exchange: missing, routingKey: "x", mandatory: true)
                        }
                    }
                }
                try await group.waitForAll()
            }
            // The messages that were unanswered when the channel closed are published again. The reply to a request ensures that the status is
            // of a later turn than their confirms.
            #expect(try await client.connection.depth(of: queue).messages >= 297)
            #expect(client.connection.status.reconnects == 0)
            #expect(client.connection.status.unconfirmed == 0)
            try await TestConnection.with(topology: [
                .exchange(name: missing, kind: "fanout"), .binding(queue: queue, exchange: missing, routingKey: ""),
            ]) {
                try await $0.connection.whenConnected()
            }
            for _ in 0..<40 { try await client.connection.publish(Message(body: []), exchange: missing, routingKey: "", mandatory: true) }
            try await client.connection.delete(exchange: missing)
            try await client.connection.delete(queue: queue)
        }
    }

    @Test("makes further messages to its exchange be tried alone, so that they disturb no other message")
    func messagesToSameExchangeAreTriedAlone() async throws {
        let missing = TestBroker.name("missing")
        try await TestConnection.withQueue(["x-queue-type": .string("quorum")]) { client, queue in
            @Sendable func miss() async {
                await Self.expectTurnedDown(404, naming: missing) {
                    try await client.connection.publish(Message(body: []), exchange: missing, routingKey: "x", mandatory: true)
                }
            }
            await miss()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<300 {
                    group.addTask {
                        if number.isMultiple(of: 10) { await miss() } else { try await client.publish("\(number)", to: queue) }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await client.connection.depth(of: queue).messages == 270)
        }
    }

    @Test("is reported with the broker's reason if the user may not write there or the headers are not acceptable")
    func refusalsHaveBrokersReason() async throws {
        let broker = try await TestBroker.shared
        let queue = TestBroker.name()
        let user = TestBroker.name("user")
        try await broker.ctl("add_user", user, "secret")
        try await broker.ctl("set_permissions", user, "^\(queue)$", "^(amq\\.topic|\(queue))$", ".*")
        let topology: [TopologyItem] = [.queue(name: queue), .binding(queue: queue, exchange: "amq.topic", routingKey: queue)]
        try await TestConnection.with(broker.url.replacing("guest:guest", with: "\(user):secret"), topology: topology) { client in
            try await client.connection.whenConnected()
            var properties = Properties()
            properties.headers["CC"] = .string("not a list")
            let odd = Message(body: [], properties: properties)
            for _ in 0..<3 {
                await Self.expectTurnedDown(403, naming: "amq.default") { try await client.publish("x", to: queue) }
                await Self.expectTurnedDown(406, naming: "CC") {
                    try await client.connection.publish(odd, exchange: "amq.topic", routingKey: queue, mandatory: true)
                }
                try await client.connection.publish(Message(body: [1]), exchange: "amq.topic", routingKey: queue, mandatory: true)
            }
            #expect(try await client.connection.depth(of: queue).messages == 3)
            #expect(client.connection.status.reconnects == 0)
            try await client.connection.delete(queue: queue)
        }
        try await broker.ctl("delete_user", user)
    }

    @Test("does not change the error of a message that was returned before the close")
    func returnedMessageStaysReturned() async throws {
        let missing = TestBroker.name("missing")
        try await TestConnection.with { client in
            try await client.connection.whenConnected()
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        await #expect(throws: PublishError.self) {
                            try await client.connection.publish(
                                Message(body: []), exchange: number == 50 ? missing : "amq.topic", routingKey: missing, mandatory: true)
                        }
                    }
                }
            }
            #expect(client.connection.status.reconnects == 0)
        }
    }

    private static func expectTurnedDown(_ code: UInt16, naming name: String, publish: @escaping @Sendable () async throws -> Void) async {
        await #expect {
            try await publish()
        } throws: { error in
            guard case .turnedDown(code, let text)? = error as? PublishError else { return false }
            return text.contains(name)
        }
    }
}
