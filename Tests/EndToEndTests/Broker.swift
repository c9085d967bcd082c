import AMQP
import Logging

/// What an operator does to a broker by hand.
enum Broker {
    /// Declares these items.
    static func declare(_ items: [TopologyItem], at url: String) async throws {
        let connection = try Connection(
            configuration: AMQPConfiguration(urls: [try AMQPURL(url)]), role: "operator", topology: items,
            logger: Logger(label: "operator", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await connection.run() }
            let result: Result<Void, any Error>
            do { result = .success(try await connection.whenConnected()) } catch { result = .failure(error) }
            await connection.close()
            try result.get()
        }
    }
}
