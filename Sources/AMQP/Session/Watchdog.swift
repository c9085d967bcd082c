private import Dispatch
private import Glibc
private import Synchronization

/// Breaks a session's socket when the C library has not come back from a call for too long.
///
/// librabbitmq 0.11 can wait without end while it writes (rabbitmq-c issues 519 and 780). The watchdog looks once a second, from outside the connection's
/// thread, and shuts the socket down, so that the stuck call fails. It frees nothing. It holds a duplicate of the descriptor: the library closes its own at
/// moments of its choosing, and the number may be another file's by then.
final class Watchdog: Sendable {
    private struct State {
        var descriptor: Int32
        var deadline: ContinuousClock.Instant?
        var didFire = false
    }

    private let state: Mutex<State>
    // Dispatch's sources may be used from any thread; only its Swift declaration does not say so.
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

    /// Whether the socket was shut down because something overran.
    var didFire: Bool { state.withLock { $0.didFire } }

    /// Something begins that must be over within `limit`.
    func arm(for limit: Duration) {
        let deadline = ContinuousClock.now + limit
        state.withLock { $0.deadline = deadline }
    }

    /// It is over.
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
