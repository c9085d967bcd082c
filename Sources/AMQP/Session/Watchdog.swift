private import Dispatch
private import Glibc
private import Synchronization

/// Shuts down a session's socket when a call of the C library takes too long.
///
/// librabbitmq 0.11 can wait forever in a write (rabbitmq-c issues 519 and 780). The watchdog checks once a second, outside the
/// connection's thread. It shuts the socket down, so that the stuck call fails, and frees nothing.
///
/// It holds a duplicate of the descriptor. The library closes its own descriptor when it likes, and the number may then belong to
/// another file.
final class Watchdog: Sendable {
    private struct State {
        var descriptor: Int32
        var deadline: ContinuousClock.Instant?
        var didFire = false
    }

    private let state: Mutex<State>
    // Dispatch's sources are thread-safe; their Swift declaration does not say so.
    private nonisolated(unsafe) let timer: any DispatchSourceTimer

    /// - Parameter descriptor: the session's socket.
    init(descriptor: Int32) {
        state = Mutex(State(descriptor: fcntl(descriptor, F_DUPFD_CLOEXEC, 0)))
        timer = DispatchSource.makeTimerSource(queue: .global(qos: .utility))
        timer.schedule(deadline: .now() + 1, repeating: 1, leeway: .milliseconds(250))
        timer.setEventHandler { [weak self] in self?.check() }
        timer.activate()
    }

    deinit {
        timer.cancel()
        state.withLock { state in
            if state.descriptor >= 0 { close(state.descriptor) }
            state.descriptor = -1
        }
    }

    /// Whether the watchdog has shut the socket down.
    var didFire: Bool { state.withLock { $0.didFire } }

    /// Starts the time limit of one or more calls.
    func arm(for limit: Duration) {
        let deadline = ContinuousClock.now + limit
        state.withLock { $0.deadline = deadline }
    }

    /// Ends the time limit.
    func disarm() {
        state.withLock { $0.deadline = nil }
    }

    private func check() {
        let now = ContinuousClock.now
        state.withLock { state in
            guard let deadline = state.deadline, deadline < now, state.descriptor >= 0 else { return }
            shutdown(state.descriptor, Int32(SHUT_RDWR))
            state.deadline = nil
            state.didFire = true
        }
    }
}
