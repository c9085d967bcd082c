import AMQP
import ExactJSON
import JobModel
import Ledger
import Observability

/// The parts that the status of worker and poller have in common.
enum HealthReport {
    static func head(_ program: String, _ problems: [HealthProblem]) -> [JSONValue.Member] {
        [
            .init("program", .string(program)),
            .init("version", .string(Version.current)),
            .init("ready", .bool(problems.isEmpty)),
            .init("reasons", .array(problems.map { .object([.init("check", .string($0.check)), .init("detail", .string($0.detail))]) })),
        ]
    }

    static func queue(_ depth: (name: String, messages: Int, consumers: Int)) -> JSONValue.Member {
        .init(
            depth.name,
            .object([
                .init("messages", .number(String(depth.messages))), .init("consumers", .number(String(depth.consumers))),
            ]))
    }

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
    var topologyProblems: [HealthProblem] { topology.map { HealthProblem(check: "topology", detail: $0) } }
}

extension Connection {
    /// Broker I/O must have moved lately.
    nonisolated func livenessProblems(at now: ContinuousClock.Instant) -> [HealthProblem] {
        let status = status
        guard status.isConnected, now - status.lastIO > configuration.heartbeat else { return [] }
        return [HealthProblem(check: "broker", detail: "the \(role) connection has not served its socket for a heartbeat")]
    }

    nonisolated var readinessProblems: [HealthProblem] {
        let status = status
        var problems: [HealthProblem] = []
        if case .connecting(_, let error) = status.state {
            problems.append(HealthProblem(check: "broker", detail: "\(role): \(error.map { "\($0)" } ?? "not connected yet")"))
        }
        if let reason = status.blockedReason {
            problems.append(HealthProblem(check: "broker", detail: "the broker takes no messages: \(reason)"))
        }
        return problems
    }
}
