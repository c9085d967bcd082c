import AMQP
import Synchronization

/// Decides when the broker's refusal means that this worker must not run here.
///
/// A lock that another connection holds may be a predecessor's that the broker has not given up yet: it notices a vanished client after
/// two heartbeats, so three are waited. A marker with another ledger's name is nobody's leftover. A worker that was let in once keeps
/// trying: it has jobs to answer, and what holds the lock then is its own former connection.
final class LockWatch: Sendable {
    private struct State {
        var wasAccepted = false
        var firstRefusal: ContinuousClock.Instant?
    }

    /// Yields why this worker must not run.
    let refusals: AsyncStream<DaemonError>
    private let refused: AsyncStream<DaemonError>.Continuation
    private let patience: Duration
    private let state = Mutex(State())

    init(heartbeat: Duration) {
        patience = heartbeat * 3
        (refusals, refused) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Ends the refusals.
    func finish() { refused.finish() }

    func observe(_ event: ConnectionEvent, at now: ContinuousClock.Instant = .now) {
        switch event {
        case .connected: state.withLock { $0.wasAccepted = true }
        case .setupFailed(.locked(let queue)):
            let isOver = state.withLock { state in
                let first = state.firstRefusal ?? now
                state.firstRefusal = first
                return !state.wasAccepted && now - first >= patience
            }
            if isOver { refused.yield(.anotherWorker(queue: queue)) }
        case .setupFailed(.markedOtherwise(let queue, let text)):
            if !state.withLock(\.wasAccepted) { refused.yield(.anotherLedger(queue: queue, text: text)) }
        case .setupFailed, .disconnected, .blocked, .unblocked, .consuming, .consumerLost, .stopped: break
        }
    }
}
