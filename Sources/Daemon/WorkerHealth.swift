import AMQP
import BOSClient
import ExactJSON
import JobEngine
import JobModel
import Ledger
import Observability

/// What the worker says of itself: alive, ready, and in which state.
struct WorkerHealth: HealthSource {
    let engine: Engine
    let consume: Connection
    let publish: Connection
    let ledger: any Ledger
    let client: BOSClient
    let sampler: Sampler
    let clock: any EngineClock

    /// Broker I/O, the ledger and the scheduler must each have moved lately: the sampler needs the last two for every sample.
    func liveness() -> [HealthProblem] {
        let now = ContinuousClock.now
        var problems: [HealthProblem] = []
        for connection in [consume, publish] {
            let status = connection.status
            guard status.isConnected, now - status.lastIO > connection.configuration.heartbeat else { continue }
            problems.append(
                HealthProblem(check: "broker", detail: "the \(connection.role) connection has not served its socket for a heartbeat"))
        }
        if now - sampler.sample.takenAt > Sampler.interval * 12 {
            problems.append(HealthProblem(check: "progress", detail: "no sample of queues and ledger was finished for a minute"))
        }
        return problems
    }

    func readiness() async -> [HealthProblem] {
        var problems: [HealthProblem] = []
        for connection in [consume, publish] {
            guard case .connecting(_, let error) = connection.status.state else { continue }
            let detail = error.map { "\($0)" } ?? "not connected yet"
            problems.append(HealthProblem(check: "broker", detail: "\(connection.role): \(detail)"))
        }
        if let reason = publish.status.blockedReason {
            problems.append(HealthProblem(check: "broker", detail: "the broker takes no messages: \(reason)"))
        }
        problems += engine.problems.map { HealthProblem(check: $0.check, detail: $0.detail) }
        do throws(LedgerError) {
            try await ledger.checkWritable()
        } catch {
            problems.append(HealthProblem(check: "ledger", detail: "\(error)"))
        }
        if let problem = client.credentialState.problem {
            problems.append(HealthProblem(check: "token", detail: problem))
        }
        return problems
    }

    func status() async -> [UInt8] {
        let sample = sampler.sample
        let problems = await readiness()
        return JSONValue.object([
            .init("program", .string("bos-worker")),
            .init("version", .string(Version.current)),
            .init("ready", .bool(problems.isEmpty)),
            .init("reasons", .array(problems.map { .object([.init("check", .string($0.check)), .init("detail", .string($0.detail))]) })),
            .init("queues", .object(sample.queues.map(Self.queue))),
            .init("jobs", .array(Self.jobs(sample.summary))),
            .init("doubt_amount_rupees", .number(sample.summary.doubtAmount.rupees)),
            .init("oldest_doubt_since", sample.summary.oldestDoubt.map { .string($0.rfc3339) } ?? .null),
            .init("replies_owed", .number(String(sample.summary.unpublishedReplies))),
        ]).encoded
    }

    /// One line for `systemctl status`.
    var statusLine: String {
        let sample = sampler.sample
        let depths = sample.queues.map { "\($0.name) \($0.messages)" }.joined(separator: ", ")
        let doubts = sample.summary.stored[LedgerSummary.Key(.recharge, .inDoubt)] ?? 0
        let state = engine.problems.first?.detail ?? "consuming"
        return "\(state); ready messages: \(depths.isEmpty ? "unknown" : depths); recharges in doubt: \(doubts)"
    }

    private static func queue(_ depth: (name: String, messages: Int, consumers: Int)) -> JSONValue.Member {
        .init(
            depth.name,
            .object([
                .init("messages", .number(String(depth.messages))), .init("consumers", .number(String(depth.consumers))),
            ]))
    }

    private static func jobs(_ summary: LedgerSummary) -> [JSONValue] {
        JobKind.allCases.flatMap { kind in
            JobState.allCases.compactMap { state in
                summary.stored[LedgerSummary.Key(kind, state)].map { count in
                    .object([
                        .init("kind", .string(kind.rawValue)), .init("state", .string(state.rawValue)),
                        .init("count", .number(String(count))),
                    ])
                }
            }
        }
    }
}

extension WorkerParts {
    var health: WorkerHealth {
        WorkerHealth(
            engine: engine, consume: consume, publish: publish, ledger: ledger, client: client, sampler: sampler, clock: clock)
    }
}
