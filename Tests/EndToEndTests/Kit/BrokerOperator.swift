import AMQP
import BrokerKit
import Logging

extension System {
    /// Runs `body` with an administrator of the broker.
    func onBroker(_ body: (BrokerOperator) async throws -> Void) async throws {
        try await body(BrokerOperator(url: broker.url))
    }
}

/// Changes objects on the broker. Each change has a connection of its own, which ends with the change.
struct BrokerOperator {
    let url: String

    func delete(exchange: String) async throws { try await with([]) { try await $0.delete(exchange: exchange) } }
    func delete(queue: String) async throws { try await with([]) { try await $0.delete(queue: queue) } }
    func declare(_ topology: [TopologyItem]) async throws { try await with(topology) { _ in } }
    func publish(_ messages: Int, to queue: String) async throws {
        try await with([]) { connection in
            for _ in 0..<messages { try await connection.publish(Message(body: [1]), exchange: "", routingKey: queue, mandatory: true) }
        }
    }

    /// Publishes one message to an exchange that routes it whatever its routing key is.
    func publishFanout(to exchange: String) async throws {
        try await with([]) { try await $0.publish(Message(body: [1]), exchange: exchange, routingKey: "", mandatory: true) }
    }

    func publish(_ messages: [Message], exchange: String = "", routingKey: String) async throws {
        try await with([]) { connection in
            for message in messages { try await connection.publish(message, exchange: exchange, routingKey: routingKey, mandatory: true) }
        }
    }

    /// Declares these items and keeps the connection while `body` runs.
    func hold(_ topology: [TopologyItem], body: () async throws -> Void) async throws {
        try await with(topology) { _ in try await body() }
    }

    /// Runs `body` with a new connection that has declared this topology.
    /// - Throws: `SessionError` if the topology cannot be declared.
    private func with(_ topology: [TopologyItem], body: (Connection) async throws -> Void) async throws {
        let (outcomes, outcome) = AsyncStream.makeStream(of: SessionError?.self)
        let connection = try Connection(
            configuration: AMQPConfiguration(urls: [try AMQPURL(url)]), role: "operator", topology: TopologyPlan(topology),
            logger: Logger(label: "operator", factory: { _ in SwiftLogNoOpLogHandler() })
        ) { event in
            if case .connected = event { outcome.yield(nil) }
            if case .setupFailed(let error) = event { outcome.yield(error) }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await connection.run() }
            var iterator = outcomes.makeAsyncIterator()
            let result: Result<Void, any Error>
            do {
                if case .some(.some(let error)) = await iterator.next() { throw error }
                result = .success(try await body(connection))
            } catch {
                result = .failure(error)
            }
            await connection.close()
            try result.get()
        }
    }
}
