import AMQP
import ExactJSON
import JobEngine
import JobModel
import Ledger
import Observability

/// What the poller says of itself: alive, ready, and in which state.
struct PollerHealth: DaemonHealth {
    let connection: Connection
    let progress: PollerProgress
    /// Of the poller's rounds.
    let interval: Duration

    func liveness() -> [HealthProblem] {
        let now = ContinuousClock.now
        var problems = connection.livenessProblems(at: now)
        // A round publishes for a quarter of a lease at the longest in each lane, and follows the one before after a pause.
        if now - progress.current.lastRound > .seconds(120) + interval {
            problems.append(HealthProblem(check: "progress", detail: "no round was finished for two minutes and poller.interval"))
        }
        return problems
    }

    func readiness() async -> [HealthProblem] {
        let state = progress.current
        var problems = connection.readinessProblems
        problems += state.sampler?.sample.topologyProblems ?? []
        if let problem = state.ledgerProblem { problems.append(HealthProblem(check: "ledger", detail: problem)) }
        if let trouble = state.outcome.trouble { problems.append(HealthProblem(check: "polling", detail: trouble)) }
        return problems
    }

    func status() async -> [UInt8] {
        let sample = progress.current.sampler?.sample
        return JSONValue.object(
            HealthReport.head("bos-poller", await readiness()) + [
                .init("queues", .object((sample?.queues ?? []).map(HealthReport.queue))),
                .init("jobs", .array(HealthReport.jobs(sample?.summary ?? LedgerSummary()))),
                .init("next_due", sample?.summary.oldestDue.map { .string($0.rfc3339) } ?? .null),
            ]
        ).encoded
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
