import AMQP
import Synchronization

/// Decides when a refusal by the broker means that this program must not run on this virtual host.
///
/// - Another connection holds the lock: it may be the connection of a worker that has just died. The broker notices a lost client after two
///   heartbeats, so the watch waits for three.
/// - The marker names another ledger: this is final at once, because no dead process leaves such a marker behind.
/// - The broker has accepted this program before: it keeps trying, because it has jobs to answer. The connection that holds the lock is
///   then its own former one.
final class LockWatch: Sendable {
    private struct State {
        /// Whether a session was set up, and so held the lock.
        var wasAccepted = false
        var firstRefusal: ContinuousClock.Instant?
    }

    /// Yields why this program must not run.
    let refusals: AsyncStream<DaemonError>
    private let refused: AsyncStream<DaemonError>.Continuation
    /// How long another connection may hold the lock.
    private let patience: Duration
    private let state = Mutex(State())

    /// - Parameter heartbeat: the broker's heartbeat, `amqp.heartbeat`.
    init(heartbeat: Duration) {
        patience = heartbeat * 3
        (refusals, refused) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Ends the refusals.
    func finish() { refused.finish() }

    /// Takes in an event of the connection that declares lock or marker.
    func observe(_ event: ConnectionEvent, at now: ContinuousClock.Instant = .now) {
        switch event {
        case .connected: state.withLock { $0.wasAccepted = true }
        case .setupFailed(.locked(let queue)):
            let isFinal = state.withLock { state in
                let first = state.firstRefusal ?? now
                state.firstRefusal = first
                return !state.wasAccepted && now - first >= patience
            }
            if isFinal { refused.yield(.anotherWorker(queue: queue)) }
        case .setupFailed(.markedOtherwise(let queue, let text)):
            if !state.withLock(\.wasAccepted) { refused.yield(.anotherLedger(queue: queue, text: text)) }
        case .setupFailed, .disconnected, .blocked, .unblocked, .consuming, .consumerLost, .stopped: break
        }
    }
}
