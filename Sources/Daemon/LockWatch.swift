import AMQP
import Synchronization

/// Decides when a lock that another connection holds means a second worker rather than a predecessor that the broker has not given up yet.
///
/// The broker notices a vanished client after two heartbeats, so three are waited. A worker that has held the lock once keeps trying:
/// what it sees then is its own former connection.
final class LockWatch: Sendable {
    private struct State {
        var hasHeld = false
        var firstRefusal: ContinuousClock.Instant?
    }

    /// Yields the lock's queue when there is another worker.
    let refusals: AsyncStream<String>
    private let refused: AsyncStream<String>.Continuation
    private let patience: Duration
    private let state = Mutex(State())

    init(heartbeat: Duration) {
        patience = heartbeat * 3
        (refusals, refused) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Ends the refusals.
    func finish() { refused.finish() }

    func note(_ event: ConnectionEvent, at now: ContinuousClock.Instant = .now) {
        switch event {
        case .connected: state.withLock { $0.hasHeld = true }
        case .setupFailed(.locked(let queue)):
            let isOver = state.withLock { state in
                let first = state.firstRefusal ?? now
                state.firstRefusal = first
                return !state.hasHeld && now - first >= patience
            }
            if isOver { refused.yield(queue) }
        case .setupFailed, .disconnected, .blocked, .unblocked, .consuming, .consumerLost, .stopped: break
        }
    }
}
