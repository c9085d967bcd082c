import AMQP
import ExactJSON
import JobEngine
import JobModel
import Ledger
import Observability

/// What the poller reports about itself: whether it is live, whether it is ready, and its state.
struct PollerHealth: DaemonHealth {
    let connection: Connection
    let progress: PollerProgress
    /// The pause between two rounds, `poller.interval`.
    let interval: Duration
    let topology: Topology
    let memory: StatusMemory
    let clock: any EngineClock

    func liveness() -> [HealthProblem] {
        let now = ContinuousClock.now
        var problems = connection.livenessProblems(at: now)
        // A round publishes for at most a quarter of a lease in each lane. The next round follows after `interval`.
        if now - progress.current.lastRound > .seconds(120) + interval {
            problems.append(HealthProblem(check: "progress", detail: "no round has ended for two minutes and poller.interval"))
        }
        return problems
    }

    func readiness() async -> [HealthProblem] { problems }

    private var problems: [HealthProblem] {
        let state = progress.current
        var problems = connection.readinessProblems
        problems += state.sampler?.sample.topologyProblems ?? []
        if let problem = state.ledgerProblem { problems.append(HealthProblem(check: "ledger", detail: problem)) }
        if let trouble = state.outcome.trouble { problems.append(HealthProblem(check: "polling", detail: trouble)) }
        return problems
    }

    func status() async -> [UInt8] { snapshot.json.encoded }

    /// The state of the poller now.
    var snapshot: StatusSnapshot {
        let (now, state) = (clock.now(), progress.current)
        var snapshot = StatusSnapshot(program: .poller, takenAt: now, startedAt: memory.startedAt)
        snapshot.problems = problems
        snapshot.fill(from: memory, sample: state.sampler?.sample ?? Sampler.Sample(), topology: topology)
        snapshot.connections = [StatusSnapshot.Broker(connection, at: now)]
        snapshot.poller = StatusSnapshot.PollerPart(
            lastRound: now + (state.lastRound - .now), trouble: state.ledgerProblem ?? state.outcome.trouble)
        return snapshot
    }

    var statusLine: String {
        let state = progress.current
        let summary = state.sampler?.sample.summary ?? LedgerSummary()
        let pending = summary.stored[LedgerSummary.Key(.panStatus, in: .pending)] ?? 0
        let doubts = summary.stored[LedgerSummary.Key(.recharge, in: .inDoubt)] ?? 0
        return
            "\(state.ledgerProblem ?? state.outcome.trouble ?? "polling"); PAN applications pending: \(pending); recharges in doubt: \(doubts)"
    }
}
