import AMQP
import Observability

/// What a daemon reports about itself: to probes, to people and to systemd.
protocol DaemonHealth: HealthSource {
    /// One line for `systemctl status`.
    var statusLine: String { get }

    /// The state of the program now.
    var snapshot: StatusSnapshot { get }
}

extension Sampler.Sample {
    /// Why the topology makes the program not ready.
    var topologyProblems: [HealthProblem] { topology.map { HealthProblem(check: "topology", detail: $0) } }
}

extension Connection {
    /// A connection is live if it has served its socket within the last heartbeat, or if it is not connected.
    nonisolated func livenessProblems(at now: ContinuousClock.Instant) -> [HealthProblem] {
        let status = status
        guard status.isConnected, now - status.lastIO > configuration.heartbeat else { return [] }
        return [HealthProblem(check: "broker", detail: "the \(role) connection has not served its socket for a heartbeat")]
    }

    /// A connection is ready if it is connected and the broker accepts messages.
    nonisolated var readinessProblems: [HealthProblem] {
        let status = status
        var problems: [HealthProblem] = []
        if case .connecting(_, let error) = status.state {
            problems.append(HealthProblem(check: "broker", detail: "\(role): \(error.map { "\($0)" } ?? "not connected yet")"))
        }
        if let reason = status.blockedReason {
            problems.append(HealthProblem(check: "broker", detail: "the broker accepts no messages: \(reason)"))
        }
        return problems
    }
}
