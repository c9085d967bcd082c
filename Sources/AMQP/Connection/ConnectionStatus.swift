/// The state of a connection at one moment.
package struct ConnectionStatus: Sendable {
    package enum State: Sendable {
        /// Not connected. `attempt` counts from 1 since the last session; `lastError` is why the previous attempt failed.
        case connecting(attempt: Int, lastError: SessionError?)
        /// A session is ready and its topology is declared. The URL has no password.
        case connected(url: String, serverVersion: String)
        /// `run()` has returned.
        case stopped

        fileprivate var isConnected: Bool {
            if case .connected = self { true } else { false }
        }
    }

    package internal(set) var state: State = .connecting(attempt: 0, lastError: nil) {
        didSet { if isConnected != oldValue.isConnected { changedAt = .now } }
    }
    /// When the connection was last established or lost. At first, when it was made.
    package private(set) var changedAt = ContinuousClock.now
    /// Why the broker takes no messages from this connection (memory or disk alarm); `nil` while it takes them.
    package internal(set) var blockedReason: String?
    package var isBlocked: Bool { blockedReason != nil }
    /// The number of sessions lost since the start.
    package internal(set) var reconnects = 0
    /// The number of settlements, since the start, that came after their session had ended, or a second time.
    package internal(set) var lateAcks = 0
    /// The number of written messages whose confirm is still outstanding.
    package internal(set) var unconfirmed = 0
    /// When the connection's thread last served its socket. While a session is healthy, this is at most a quarter of the heartbeat ago.
    package internal(set) var lastIO = ContinuousClock.now

    package var isConnected: Bool { state.isConnected }
}

/// Something that happened to a connection, for logs and metrics.
package enum ConnectionEvent: Sendable {
    /// A session is ready.
    case connected(url: String, serverVersion: String)
    /// An attempt to set up a session failed.
    case setupFailed(SessionError)
    /// A session that was ready has ended.
    case disconnected(SessionError)
    case blocked(reason: String)
    case unblocked
    /// The broker delivers messages of the queue from now on.
    case consuming(queue: String)
    /// The broker ended the consumer, because the queue is gone or the channel was closed. The connection subscribes again.
    case consumerLost(queue: String, reason: String)
    case stopped
}
