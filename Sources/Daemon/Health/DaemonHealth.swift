import AMQP
import ExactJSON
import JobModel
import Ledger
import Observability

/// What a daemon reports about itself: to probes, to people and to systemd.
protocol DaemonHealth: HealthSource {
    /// One line for `systemctl status`.
    var statusLine: String { get }
}

/// The members that `/api/status` of worker and poller have in common. Source: operating.md#pages.
enum StatusReport {
    /// The first members: which program this is, and whether it is ready.
    /// - Parameter problems: why the program is not ready; empty if it is.
    static func heading(program: String, problems: [HealthProblem]) -> [JSONValue.Member] {
        [
            .init("program", .string(program)),
            .init("version", .string(Version.current)),
            .init("ready", .bool(problems.isEmpty)),
            .init("reasons", .array(problems.map { .object([.init("check", .string($0.check)), .init("detail", .string($0.detail))]) })),
        ]
    }

    /// The lanes that operators hold.
    static func holds(_ holds: [JobLane: LaneHold]) -> [JSONValue] {
        JobLane.allCases.compactMap { lane in
            holds[lane].map { hold in
                .object([
                    .init("lane", .string(lane.rawValue)), .init("since", .string(hold.since.rfc3339)), .init("user", .string(hold.user)),
                    .init("host", .string(hold.host)), .init("reason", .string(hold.reason)),
                ])
            }
        }
    }

    /// One queue under its name.
    static func queue(_ depth: (name: String, messages: Int, consumers: Int)) -> JSONValue.Member {
        .init(
            depth.name,
            .object([
                .init("messages", .number(String(depth.messages))), .init("consumers", .number(String(depth.consumers))),
            ]))
    }

    /// The number of jobs of each kind in each state. A pair without a job is left out.
    static func jobs(_ summary: LedgerSummary) -> [JSONValue] {
        JobKind.allCases.flatMap { kind in
            JobState.allCases.compactMap { state in
                summary.stored[LedgerSummary.Key(kind, in: state)].map { count in
                    .object([
                        .init("kind", .string(kind.rawValue)), .init("state", .string(state.rawValue)),
                        .init("count", .number(String(count))),
                    ])
                }
            }
        }
    }
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
