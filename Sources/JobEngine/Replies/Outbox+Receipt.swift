package import AMQP

extension Outbox {
    /// How the broker took a reply that was published again.
    package enum Receipt: Sendable {
        case confirmed
        /// No queue is bound for its address, or its caller no longer listens. The broker has not kept it.
        case unroutable
        case failed(PublishError)
    }
}
