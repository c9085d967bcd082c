package import AMQP

/// The way out to the broker.
package protocol MessagePublisher: Sendable {
    /// Returns when the broker has confirmed the message; waits for that no longer than the time-out.
    func publish(
        _ message: Message, exchange: String, routingKey: String, mandatory: Bool, timeout: Duration?
    ) async throws(PublishError)
    /// Whether a caller waits for a direct reply under this name, which begins with ``DirectReplyTo/prefix``.
    func hasListener(directReplyTo name: String) async throws(PublishError) -> Bool
    /// Returns once publishing makes sense again.
    func whenConnected() async throws(CancellationError)
}

extension Connection: MessagePublisher {}
