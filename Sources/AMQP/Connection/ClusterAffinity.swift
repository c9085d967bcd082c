internal import DedicatedThread
private import Synchronization

/// Keeps two connections on the same virtual host of the same cluster: one consumes, and the other publishes and follows the first.
///
/// `amqp.urls` may name brokers that are not one cluster. Each connection could then reach another broker, and replies would be
/// confirmed by a broker where no caller listens. So the consuming connection consumes nothing until both connections are on one
/// cluster, and the publishing connection tries one URL after another until they are.
package final class ClusterAffinity: Sendable {
    package enum Side: Sendable {
        case consuming
        case publishing
    }

    private struct State {
        /// The virtual host and cluster of each side's session. A side without a session has no entry.
        var homes: [Side: String] = [:]
        var threads: [DedicatedThread] = []
    }

    private let state = Mutex(State())

    /// Makes an affinity without connections. Give it to both connections, each with its own side.
    package init() {}

    /// Registers the thread of a connection. The affinity wakes it when a session of either side begins or ends.
    func register(_ thread: DedicatedThread) { state.withLock { $0.threads.append(thread) } }

    /// Records the virtual host and cluster of a side's session; `nil` when the session has ended.
    func move(_ side: Side, to home: String?) {
        let threads = state.withLock { state in
            state.homes[side] = home
            return state.threads
        }
        for thread in threads { thread.wake() }
    }

    /// Whether a side may work on this virtual host and cluster.
    func permits(_ side: Side, in home: String) -> Bool {
        let homes = state.withLock { $0.homes }
        return switch side {
        case .consuming: homes[.publishing] == home
        case .publishing: homes[.consuming].map { $0 == home } ?? true
        }
    }

    /// The virtual host and cluster where jobs are consumed; `nil` without a session.
    var consumingHome: String? { state.withLock { $0.homes[.consuming] } }
}
