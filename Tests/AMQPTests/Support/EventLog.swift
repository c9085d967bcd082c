import AMQP
import Synchronization

/// Keeps the events of a connection, so that a test can also wait for an event that has come already.
final class EventLog: Sendable {
    private struct State {
        var events: [ConnectionEvent] = []
        var waiters: [(matches: @Sendable (ConnectionEvent) -> Bool, continuation: CheckedContinuation<ConnectionEvent, Never>)] = []
    }

    private let state = Mutex(State())

    var events: [ConnectionEvent] { state.withLock { $0.events } }

    func append(_ event: ConnectionEvent) {
        let waiters = state.withLock { state in
            state.events.append(event)
            let matching = state.waiters.filter { $0.matches(event) }
            state.waiters.removeAll { $0.matches(event) }
            return matching
        }
        for waiter in waiters { waiter.continuation.resume(returning: event) }
    }

    /// Returns the first event that matches, after the first `skipping` events, now or later. The suite's time limit bounds the wait.
    @discardableResult
    func first(skipping: Int = 0, where matches: @escaping @Sendable (ConnectionEvent) -> Bool) async -> ConnectionEvent {
        await withCheckedContinuation { continuation in
            let event = state.withLock { state in
                if let event = state.events.dropFirst(skipping).first(where: matches) { return event as ConnectionEvent? }
                state.waiters.append((matches, continuation))
                return nil
            }
            if let event { continuation.resume(returning: event) }
        }
    }

    func setupError(skipping: Int = 0) async -> SessionError {
        guard case .setupFailed(let error) = await first(skipping: skipping, where: { if case .setupFailed = $0 { true } else { false } })
        else {
            preconditionFailure("the closure above matches nothing else")
        }
        return error
    }

    func disconnection(skipping: Int = 0) async -> SessionError {
        guard case .disconnected(let error) = await first(skipping: skipping, where: { if case .disconnected = $0 { true } else { false } })
        else {
            preconditionFailure("the closure above matches nothing else")
        }
        return error
    }
}
