import AMQP
import Events
import JobModel
package import Ledger
package import Logging

/// What all jobs of a process share. It is made once, at the start. It is a class, so that each job copies one reference.
package final class EngineContext: Sendable {
    let configuration: EngineConfiguration
    let ledger: any Ledger
    let gateway: any BOSGateway
    let outbox: Outbox
    let lanes: Lanes
    let calibrator: EnquiryCalibrator
    let budget = SharedRetryBudget()
    let drain: DrainSignal
    let runs: ActiveRuns
    let clock: any EngineClock
    let metrics: EngineMetrics
    let logger: Logger

    /// - Parameter gateway: BOS with its limits.
    package init(
        configuration: EngineConfiguration, ledger: any Ledger, gateway: any BOSGateway, outbox: Outbox, lanes: Lanes,
        calibrator: EnquiryCalibrator, drain: DrainSignal, runs: ActiveRuns, clock: any EngineClock, metrics: EngineMetrics, logger: Logger
    ) {
        self.configuration = configuration
        self.ledger = ledger
        self.gateway = gateway
        self.outbox = outbox
        self.lanes = lanes
        self.calibrator = calibrator
        self.drain = drain
        self.runs = runs
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
    }
}

// MARK: - How a job ends

extension EngineContext {
    /// Counts and logs the outcome of a job whose last reply is stored, and publishes its replies.
    /// - Parameters:
    ///   - verdict: `nil` for a job that is held for a person.
    ///   - replies: the stored replies that are published now.
    /// - Returns: the settlement of the delivery.
    func finish(_ record: JobRecord, verdict: Verdict?, replies: [OutgoingReply]) async -> Settlement {
        if let verdict { recordOutcome(verdict, of: record) }
        await outbox.deliver(new: replies)
        return .ack
    }

    /// Counts the outcome, and logs every outcome but a success.
    func recordOutcome(_ verdict: Verdict, of record: JobRecord) {
        metrics.jobAnswered(record.job.kind, outcome: verdict.outcome, amount: record.job.amount)
        guard verdict.outcome != .succeeded else { return }
        var metadata = record.metadata
        metadata["outcome"] = "\(verdict.outcome.rawValue)"
        if let failure = verdict.failure { metadata["error"] = "\(failure.code.rawValue)" }
        logger.log(verdict.outcome.isFinal(for: record.job.kind) ? .jobFinished : .jobUnfinished, metadata: metadata)
    }

    /// Logs that a person has to decide about the job.
    /// - Parameter reason: one clause without a subscriber number.
    func logNeedsPerson(_ record: JobRecord, reason: String) {
        logger.log(.jobNeedsPerson, metadata: record.metadata.merging(["why": "\(reason)"]) { $1 })
    }

    /// The settlement of a delivery whose job the ledger could not claim or read. It also pauses consumption, unless only one row is unreadable.
    func settlement(for error: LedgerError, kind: JobKind, reference: String) async -> Settlement {
        guard case .unreadable(let detail) = error else {
            await lanes.close(.ledger, detail: "\(error)")
            return .requeue
        }
        // After a requeue the broker would deliver the job again at once. Only the unreadable row shows whether the job was sent before, so no reply
        // would be true.
        logger.log(.jobUnreadable, metadata: ["kind": "\(kind.rawValue)", "reference": "\(reference)", "detail": "\(detail)"])
        metrics.deadLettered(.invalidJob)
        return .reject
    }
}

extension JobRecord {
    /// The fields of a job in a log line. They contain no subscriber number.
    var metadata: Logger.Metadata {
        ["kind": "\(job.kind.rawValue)", "reference": "\(job.reference)", "state": "\(progress.state.rawValue)"]
    }
}
