/// A message that the broker has handed over and waits to hear about.
///
/// Settle each delivery once. The broker gives it to another consumer when the session ends first, and closes the channel when a delivery is held too long
/// (half an hour by default).
package struct Delivery: Sendable {
    package let message: Message
    package let exchange: String
    package let routingKey: String
    /// The queue that is being consumed.
    package let queue: String
    /// Whether the broker may have handed it over before.
    package let isRedelivered: Bool
    /// The size of the body in bytes, as announced before it came; with that of the properties if these were too large.
    package let announcedSize: UInt64
    /// Whether the body was larger than `AMQPConfiguration.maximumBodySize`, or there was no room for a large message; then it was passed over and
    /// `message.body` is empty, as are headers too large.
    package let isTruncated: Bool

    private let settle: @Sendable (Settlement) -> Void

    /// The way that a message took to its consumer.
    package struct Route: Sendable {
        let exchange: String
        let routingKey: String
        let queue: String

        /// - Parameters:
        ///   - exchange: where the message was published; empty for the default exchange.
        ///   - queue: the queue that is being consumed.
        package init(exchange: String, routingKey: String, queue: String) {
            self.exchange = exchange
            self.routingKey = routingKey
            self.queue = queue
        }
    }

    /// - Parameters:
    ///   - announcedSize: in bytes; `nil` for the size of the body.
    ///   - settle: called with what becomes of the delivery, from any thread. It must not block.
    package init(
        message: Message, route: Route, isRedelivered: Bool = false, announcedSize: UInt64? = nil, isTruncated: Bool = false,
        settle: @escaping @Sendable (Settlement) -> Void
    ) {
        self.message = message
        exchange = route.exchange
        routingKey = route.routingKey
        queue = route.queue
        self.isRedelivered = isRedelivered
        self.announcedSize = announcedSize ?? UInt64(message.body.count)
        self.isTruncated = isTruncated
        self.settle = settle
    }

    /// Done: the broker forgets the message. Never blocks; a no-op that is counted when the session it came from is gone or it was settled before.
    package func ack() { settle(.ack) }
    /// Not done: back to the queue, for whoever consumes it next.
    package func requeue() { settle(.requeue) }
    /// Refused: to the queue's dead-letter exchange, or away if it has none.
    package func reject() { settle(.reject) }
}

/// What becomes of a delivery.
package enum Settlement: UInt8, Sendable {
    case ack
    case requeue
    case reject
}
