/// A message that the broker has delivered and that must be settled.
///
/// Settle each delivery once. If the session ends first, the broker gives the message to another consumer. The broker closes the
/// channel when a delivery is held too long (half an hour by default).
package struct Delivery: Sendable {
    package let message: Message
    package let exchange: String
    package let routingKey: String
    /// The queue that the message was consumed from.
    package let queue: String
    /// Whether the broker may have delivered it before.
    package let isRedelivered: Bool
    /// The size of the body in bytes, as the broker announced it. It includes the properties if these were too large to be kept.
    package let announcedSize: UInt64
    /// Whether the message was not kept in full: the body was larger than `AMQPConfiguration.maximumBodySize`, or the memory for large
    /// messages was used up. Then `message.body` is empty, and so are headers that were too large.
    package let isTruncated: Bool

    private let settle: @Sendable (Settlement) -> Void

    /// The route of a message to its consumer.
    package struct Route: Sendable {
        let exchange: String
        let routingKey: String
        let queue: String

        /// - Parameters:
        ///   - exchange: the exchange that the message was published to; empty for the default exchange.
        ///   - queue: the queue that the message was consumed from.
        package init(exchange: String, routingKey: String, queue: String) {
            self.exchange = exchange
            self.routingKey = routingKey
            self.queue = queue
        }
    }

    /// - Parameters:
    ///   - announcedSize: in bytes; `nil` means the size of the body.
    ///   - settle: receives the settlement, on any thread. It must not block.
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

    /// Done: the broker forgets the message.
    ///
    /// Never blocks. If the session has ended or the delivery was settled before, the call has no effect and is counted in
    /// `ConnectionStatus.lateAcks`; this holds for every settlement.
    package func ack() { settle(.ack) }
    /// Not done: the message goes back to its queue, for the next consumer.
    package func requeue() { settle(.requeue) }
    /// Refused: the message goes to the queue's dead-letter exchange. Without one, the broker drops it.
    package func reject() { settle(.reject) }
}

/// What the consumer tells the broker about a delivery.
package enum Settlement: UInt8, Sendable {
    case ack
    case requeue
    case reject
}
