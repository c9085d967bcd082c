import AMQP
import BOSClient
import ExactJSON
import JobEngine
import JobModel
import Ledger
import Observability

/// What the worker reports about itself: whether it is live, whether it is ready, and its state.
struct WorkerHealth: DaemonHealth {
    let parts: WorkerParts

    private var engine: Engine { parts.engine }
    private var sampler: Sampler { parts.sampler }

    /// The worker is live while both connections serve their sockets and the sampler takes samples. Each sample needs the ledger and the
    /// scheduler, so it shows that both make progress.
    func liveness() -> [HealthProblem] {
        let now = ContinuousClock.now
        var problems = parts.consume.livenessProblems(at: now) + parts.publish.livenessProblems(at: now)
        if now - sampler.sample.takenAt > Sampler.interval * 12 {
            problems.append(HealthProblem(check: "progress", detail: "no sample of queues and ledger has ended for a minute"))
        }
        return problems
    }

    func readiness() async -> [HealthProblem] { problems }

    private var problems: [HealthProblem] {
        var problems = parts.consume.readinessProblems + parts.publish.readinessProblems
        problems += engine.problems.map { HealthProblem(check: $0.check, detail: $0.detail) }
        problems += sampler.sample.topologyProblems
        // The last sample's finding. A request for the page causes no work in the ledger.
        if let problem = sampler.sample.ledgerProblem { problems.append(HealthProblem(check: "ledger", detail: problem)) }
        if let problem = parts.client.credentialState.problem {
            problems.append(HealthProblem(check: "token", detail: problem))
        }
        return problems
    }

    func status() async -> [UInt8] { snapshot.json.encoded }

    /// The state of the worker now.
    var snapshot: StatusSnapshot {
        let now = parts.clock.now()
        var snapshot = StatusSnapshot(program: .worker, takenAt: now, startedAt: parts.memory.startedAt)
        snapshot.problems = problems
        snapshot.fill(from: parts.memory, sample: sampler.sample, topology: parts.settings.topology)
        snapshot.connections = [parts.consume, parts.publish].map { StatusSnapshot.Broker($0, at: now) }
        snapshot.worker = worker(recent: snapshot.recent)
        return snapshot
    }

    private func worker(recent: RecentWork) -> StatusSnapshot.Worker {
        var worker = StatusSnapshot.Worker()
        worker.isStopping = engine.isDraining
        worker.lanes = Dictionary(uniqueKeysWithValues: parts.lanes.all.map { ($0.name, $0.status) })
        worker.inFlight = Dictionary(uniqueKeysWithValues: JobKind.allCases.map { ($0, engine.inFlight($0)) })
        worker.ratePerSecond = parts.settings.ratePerSecond
        worker.waitingForRate = parts.gateway.callsWaitingForRate
        worker.token = parts.client.credentialState
        worker.usesToken = parts.settings.authMode != .none
        worker.enquiryProblems = parts.calibrator.problems
        (worker.drain.calls, worker.drain.longestCall) = parts.gateway.callsUnderWay
        worker.drain.requestTimeout = parts.settings.bos.requestTimeout
        worker.drain.timeout = parts.settings.drainTimeout
        worker.drain.usualCall = recent.totals.callSeconds.values.compactMap { $0.quantile(0.99) }.max().map { .seconds($0) }
        return worker
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
    var health: WorkerHealth { WorkerHealth(parts: self) }
}
