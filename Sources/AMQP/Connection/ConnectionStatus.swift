/// What is known of a connection at one moment.
package struct ConnectionStatus: Sendable {
    package enum State: Sendable {
        /// Not connected: the how manieth attempt since the last session, and what ended the one before.
        case connecting(attempt: Int, lastError: SessionError?)
        /// A session is ready, its topology declared. The URL is without its password.
        case connected(url: String, serverVersion: String)
        /// `run()` has returned.
        case stopped
    }

    package internal(set) var state: State = .connecting(attempt: 0, lastError: nil)
    /// Why the broker has stopped taking messages from this connection (memory or disk alarm); nil when it takes them.
    package internal(set) var blockedReason: String?
    package var isBlocked: Bool { blockedReason != nil }
    /// Sessions lost since the start.
    package internal(set) var reconnects = 0
    /// Settlements that came too late (their session was gone) or twice, since the start.
    package internal(set) var lateAcks = 0
    /// Messages written whose confirm is still to come.
    package internal(set) var unconfirmed = 0
    /// When the connection's thread last served its socket: never older than a quarter of the heartbeat while a session is healthy.
    package internal(set) var lastIO = ContinuousClock.now

    package var isConnected: Bool {
        if case .connected = state { true } else { false }
    }
}

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
