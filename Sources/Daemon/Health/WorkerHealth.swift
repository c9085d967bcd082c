import AMQP
import BOSClient
import ExactJSON
import JobEngine
import JobModel
import Ledger
import Observability

/// What the worker says of itself: alive, ready, and in which state.
struct WorkerHealth: DaemonHealth {
    let engine: Engine
    let consume: Connection
    let publish: Connection
    let client: BOSClient
    let calibrator: EnquiryCalibrator
    let sampler: Sampler
    let clock: any EngineClock

    /// Broker I/O, the ledger and the scheduler must each have moved lately: the sampler needs the last two for every sample.
    func liveness() -> [HealthProblem] {
        let now = ContinuousClock.now
        var problems = consume.livenessProblems(at: now) + publish.livenessProblems(at: now)
        if now - sampler.sample.takenAt > Sampler.interval * 12 {
            problems.append(HealthProblem(check: "progress", detail: "no sample of queues and ledger was finished for a minute"))
        }
        return problems
    }

    func readiness() async -> [HealthProblem] {
        var problems = consume.readinessProblems + publish.readinessProblems
        problems += engine.problems.map { HealthProblem(check: $0.check, detail: $0.detail) }
        problems += sampler.sample.topologyProblems
        // As the last sample found it: who asks costs the ledger nothing.
        if let problem = sampler.sample.ledgerProblem { problems.append(HealthProblem(check: "ledger", detail: problem)) }
        if let problem = client.credentialState.problem {
            problems.append(HealthProblem(check: "token", detail: problem))
        }
        return problems
    }

    func status() async -> [UInt8] {
        let sample = sampler.sample
        return JSONValue.object(
            HealthReport.head("bos-worker", await readiness()) + [
                .init("queues", .object(sample.queues.map(HealthReport.queue))),
                .init("jobs", .array(HealthReport.jobs(sample.summary))),
                .init("doubt_amount_rupees", .number(sample.summary.doubtAmount.rupees)),
                .init("oldest_doubt_since", sample.summary.oldestDoubt.map { .string($0.rfc3339) } ?? .null),
                .init("enquiry_problems", .array(calibrator.problems.map { .string($0) })),
                .init("replies_owed", .number(String(sample.summary.unpublishedReplies))),
            ]
        ).encoded
    }

    /// One line for `systemctl status`.
    var statusLine: String {
        let sample = sampler.sample
        let depths = sample.queues.map { "\($0.name) \($0.messages)" }.joined(separator: ", ")
        func recharges(_ state: JobState) -> Int { sample.summary.stored[LedgerSummary.Key(.recharge, in: state)] ?? 0 }
        let problems = engine.problems.map(\.detail).sorted() + (sample.ledgerProblem.map { [$0] } ?? [])
        let state = problems.isEmpty ? "consuming" : problems.joined(separator: ", ")
        return "\(state); ready messages: \(depths.isEmpty ? "unknown" : depths); "
            + "recharges in doubt: \(recharges(.inDoubt)), waiting for a person: \(recharges(.parked) + recharges(.held))"
    }
}

extension WorkerParts {
    var health: WorkerHealth {
        WorkerHealth(
            engine: engine, consume: consume, publish: publish, client: client, calibrator: calibrator, sampler: sampler, clock: clock)
    }
}
