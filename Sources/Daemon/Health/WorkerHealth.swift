import AMQP
import BOSClient
import ExactJSON
import JobEngine
import JobModel
import Ledger
import Observability

/// What the worker reports about itself: whether it is live, whether it is ready, and its state.
struct WorkerHealth: DaemonHealth {
    let engine: Engine
    let consume: Connection
    let publish: Connection
    let client: BOSClient
    let calibrator: EnquiryCalibrator
    let holds: HoldWatch
    let sampler: Sampler

    /// The worker is live while both connections serve their sockets and the sampler takes samples. Each sample needs the ledger and the
    /// scheduler, so it shows that both make progress.
    func liveness() -> [HealthProblem] {
        let now = ContinuousClock.now
        var problems = consume.livenessProblems(at: now) + publish.livenessProblems(at: now)
        if now - sampler.sample.takenAt > Sampler.interval * 12 {
            problems.append(HealthProblem(check: "progress", detail: "no sample of queues and ledger has ended for a minute"))
        }
        return problems
    }

    func readiness() async -> [HealthProblem] {
        var problems = consume.readinessProblems + publish.readinessProblems
        problems += engine.problems.map { HealthProblem(check: $0.check, detail: $0.detail) }
        problems += sampler.sample.topologyProblems
        // The last sample's finding. A request for the page causes no work in the ledger.
        if let problem = sampler.sample.ledgerProblem { problems.append(HealthProblem(check: "ledger", detail: problem)) }
        if let problem = client.credentialState.problem {
            problems.append(HealthProblem(check: "token", detail: problem))
        }
        return problems
    }

    func status() async -> [UInt8] {
        let sample = sampler.sample
        return JSONValue.object(
            StatusReport.heading(program: "bos-worker", problems: await readiness()) + [
                .init("holds", .array(StatusReport.holds(holds.holds))),
                .init("queues", .object(sample.queues.map(StatusReport.queue))),
                .init("jobs", .array(StatusReport.jobs(sample.summary))),
                .init("doubt_amount_rupees", .number(sample.summary.doubtAmount.rupees)),
                .init("oldest_doubt_since", sample.summary.oldestDoubt.map { .string($0.rfc3339) } ?? .null),
                .init("enquiry_problems", .array(calibrator.problems.map { .string($0) })),
                .init("replies_owed", .number(String(sample.summary.unpublishedReplies))),
            ]
        ).encoded
    }

    var statusLine: String {
        let sample = sampler.sample
        let depths = sample.queues.map { "\($0.name) \($0.messages)" }.joined(separator: ", ")
        func recharges(_ state: JobState) -> Int { sample.summary.stored[LedgerSummary.Key(.recharge, in: state)] ?? 0 }
        let problems = engine.problems.map(\.detail).sorted() + (sample.ledgerProblem.map { [$0] } ?? [])
        let state = problems.isEmpty ? "consuming" : problems.joined(separator: ", ")
        return "\(state); ready messages: \(depths.isEmpty ? "unknown" : depths); "
            + "recharges in doubt: \(recharges(.inDoubt)), left to a person: \(recharges(.parked) + recharges(.held))"
    }
}

extension WorkerParts {
    /// What these parts report.
    var health: WorkerHealth {
        WorkerHealth(
            engine: engine, consume: consume, publish: publish, client: client, calibrator: calibrator, holds: holds,
            sampler: sampler)
    }
}
