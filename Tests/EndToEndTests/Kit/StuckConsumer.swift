import AMQP
import Logging

/// A consumer that never settles its delivery. It shows that the broker ends a consumer that holds one for too long, and when it does so.
enum StuckConsumer {
    /// Publishes one message and holds it until the broker has ended the consumer this many times. Returns the broker's reasons.
    static func hold(in queue: String, url: String, times: Int) async throws -> [String] {
        let (losses, lost) = AsyncStream.makeStream(of: String.self)
        let connection = try Connection(
            configuration: AMQPConfiguration(urls: [try AMQPURL(url)]), role: "stuck-consumer", topology: [.queue(name: queue)],
            logger: Logger(label: "stuck-consumer", factory: { _ in SwiftLogNoOpLogHandler() })
        ) { event in
            if case .consumerLost(_, let reason) = event { lost.yield(reason) }
        }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await connection.run() }
            group.addTask { for await _ in connection.consume(queue: queue, prefetch: 1) {} }
            let reasons: Result<[String], any Error>
            do {
                try await connection.whenConnected()
                try await connection.publish(Message(body: [1]), exchange: "", routingKey: queue, mandatory: true)
                reasons = .success(await losses.prefix(times).reduce(into: []) { $0.append($1) })
            } catch {
                reasons = .failure(error)
            }
            await connection.close()
            return try reasons.get()
        }
    }
}
