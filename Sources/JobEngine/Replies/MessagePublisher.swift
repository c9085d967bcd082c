package import AMQP

/// Publishes messages to the broker.
package protocol MessagePublisher: Sendable {
    /// Returns when the broker has confirmed the message. Waits no longer than the time-out for that.
    func publish(
        _ message: Message, exchange: String, routingKey: String, mandatory: Bool, timeout: Duration?
    ) async throws(PublishError)
    /// Whether a caller waits for a direct reply under this name, which begins with ``DirectReplyTo/prefix``.
    func hasListener(directReplyTo name: String) async throws(PublishError) -> Bool
    /// Returns once there is a session with the broker again.
    func whenConnected() async throws(CancellationError)
}

extension Connection: MessagePublisher {}
