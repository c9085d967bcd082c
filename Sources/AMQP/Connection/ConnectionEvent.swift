/// Something that happened to a connection, for logs and metrics.
package enum ConnectionEvent: Sendable {
    /// A session is ready.
    case connected(url: String, serverVersion: String)
    /// An attempt to get a session ready failed.
    case setupFailed(SessionError)
    /// A session that was ready is gone.
    case disconnected(SessionError)
    case blocked(reason: String)
    case unblocked
    /// Deliveries of the queue are coming from now on.
    case consuming(queue: String)
    /// The broker ended the consumer (its queue is gone, or the channel was closed); it is being subscribed again.
    case consumerLost(queue: String, reason: String)
    case stopped
}
