internal import DedicatedThread
private import Synchronization

/// Keeps two connections in one virtual host of one cluster: one that consumes, and one that publishes and follows it.
///
/// Where `amqp.urls` names brokers that are no cluster, each connection could end up at another one: replies would be confirmed by a broker where no caller
/// listens. The one that consumes waits until both are together; the one that publishes goes on to the next URL until they are.
package final class ClusterAffinity: Sendable {
    package enum Side: Sendable {
        case consuming
        case publishing
    }

    private struct State {
        /// The virtual host and cluster of each side's session.
        var homes: [Side: String] = [:]
        var threads: [DedicatedThread] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// Notes a connection's thread, to be woken when the other side has moved.
    func register(_ thread: DedicatedThread) { state.withLock { $0.threads.append(thread) } }

    /// Notes where the session of a side is; nil when it is gone.
    func move(_ side: Side, to home: String?) {
        let threads = state.withLock { state in
            state.homes[side] = home
            return state.threads
        }
        for thread in threads { thread.wake() }
    }

    /// Whether a side may be at work in this home.
    func permits(_ side: Side, in home: String) -> Bool {
        let homes = state.withLock { $0.homes }
        return switch side {
        case .consuming: homes[.publishing] == home
        case .publishing: homes[.consuming].map { $0 == home } ?? true
        }
    }

    /// Where jobs are consumed.
    var consumingHome: String? { state.withLock { $0.homes[.consuming] } }
}
