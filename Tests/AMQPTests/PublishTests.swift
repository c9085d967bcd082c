import AMQP
import BrokerKit
import Testing

@Suite("publishing", .timeLimit(.minutes(2)))
struct PublishTests {
    @Test("a publish returns when the broker has confirmed it, and the message is there")
    func confirmed() async throws {
        let queue = TestBroker.name()
        try await Link.with(topology: [.queue(name: queue)]) { link in
            try await link.connection.whenConnected()
            try await link.publish("one", to: queue)
            #expect(try await link.connection.depth(of: queue).messages == 1)
            try await link.connection.delete(queue: queue)
        }
    }

    @Test("hundreds of publishes are in flight at once and every one is confirmed")
    func manyInFlight() async throws {
        let queue = TestBroker.name()
        try await Link.with(topology: [.queue(name: queue)]) { link in
            try await link.connection.whenConnected()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<1000 { group.addTask { try await link.publish("\(number)", to: queue) } }
                try await group.waitForAll()
            }
            #expect(try await link.connection.depth(of: queue).messages == 1000)
            #expect(link.connection.status.unconfirmed == 0)
            try await link.connection.delete(queue: queue)
        }
    }
}
