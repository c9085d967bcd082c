import AMQP
import ExactJSON
import Logging

/// Publishes one recharge, waits for its final reply and returns it.
func recharge(
    _ job: JSONValue, reference: String, broker: String, jobs: String = "bos.jobs", replies: String = "bos.replies",
    queue: String = "billing.replies"
) async throws -> JSONValue? {
    // Replies come to a durable queue of this service, bound under a key of its own.
    let connection = try Connection(
        configuration: AMQPConfiguration(urls: [AMQPURL(broker)]), role: "billing",
        topology: [.queue(name: queue), .binding(queue: queue, exchange: replies, routingKey: queue)], logger: Logger(label: "billing"))
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await connection.run() }
        defer { group.cancelAll() }
        var message = Message(body: job.encoded)
        message.properties.contentType = "application/json"
        message.properties.correlationID = reference
        message.properties.replyTo = queue
        try await connection.whenConnected()
        // Returns once the broker has the job on disk; throws if no queue is bound for it.
        try await connection.publish(message, exchange: jobs, routingKey: "recharge", mandatory: true)
        for await delivery in connection.consume(queue: queue, prefetch: 10) {
            let reply = try JSONValue.parse(delivery.message.body)
            // Store the reply before the ack, and drop repeats by message_id.
            delivery.ack()
            guard delivery.message.properties.correlationID == reference, reply["final"] == .bool(true) else { continue }
            await connection.close()
            return reply
        }
        return nil
    }
}
