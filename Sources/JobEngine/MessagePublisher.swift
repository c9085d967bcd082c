package import AMQP

/// The way out to the broker.
package protocol MessagePublisher: Sendable {
    /// Returns when the broker has confirmed the message.
    func publish(_ message: Message, exchange: String, routingKey: String, mandatory: Bool) async throws(PublishError)
    /// Returns once publishing makes sense again.
    func whenConnected() async throws(CancellationError)
}

extension Connection: MessagePublisher {}
