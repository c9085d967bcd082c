import AMQP
import BrokerKit
import Logging

/// A running connection with its events, for tests.
struct TestConnection: Sendable {
    let connection: Connection
    let events: EventLog

    /// Runs a connection while `body` runs, and closes it afterwards.
    static func with<Result: Sendable>(
        _ url: String? = nil, topology: [TopologyItem] = [], mode: TopologyMode = .declare,
        affinity: (ClusterAffinity, side: ClusterAffinity.Side)? = nil, change: (inout AMQPConfiguration) -> Void = { _ in },
        body: (TestConnection) async throws -> Result
    ) async throws -> Result {
        let address: String
        if let url { address = url } else { address = try await TestBroker.shared.url }
        var configuration = AMQPConfiguration(urls: [try AMQPURL(address)])
        configuration.connectTimeout = .seconds(5)
        configuration.rpcTimeout = .seconds(10)
        configuration.backoff.maximum = .milliseconds(250)
        change(&configuration)
        let events = EventLog()
        let connection = try Connection(
            configuration: configuration, role: "test", topology: TopologyPlan(topology, mode: mode), affinity: affinity,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            onEvent: { events.append($0) })
        let client = TestConnection(connection: connection, events: events)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await connection.run() }
            do {
                let result = try await body(client)
                await connection.close()
                return result
            } catch {
                await connection.close()
                throw error
            }
        }
    }

    /// Runs a connection with a session and a queue of its own while `body` runs. Deletes the queue afterwards.
    static func withQueue(
        _ arguments: [String: FieldValue] = [:], change: (inout AMQPConfiguration) -> Void = { _ in },
        body: (TestConnection, _ queue: String) async throws -> Void
    ) async throws {
        let queue = TestBroker.name()
        try await with(topology: [.queue(name: queue, arguments: arguments)], change: change) { client in
            try await client.connection.whenConnected()
            try await body(client, queue)
            try await client.connection.delete(queue: queue)
        }
    }

    /// Asks the broker until the queue has this many ready messages. Each request is a round trip; the suite's time limit bounds the wait.
    func waitForDepth(of queue: String, toBe messages: UInt32) async throws {
        while try await connection.depth(of: queue).messages != messages {}
    }

    func publish(_ text: String, to queue: String) async throws {
        try await connection.publish(Message(body: Array(text.utf8)), exchange: "", routingKey: queue, mandatory: true)
    }
}

extension Delivery {
    var text: String { String(decoding: message.body, as: UTF8.self) }
}
