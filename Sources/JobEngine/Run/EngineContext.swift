import AMQP
import Events
import JobModel
package import Ledger
package import Logging

/// What all jobs of a process share. It is made once, at the start.
package struct EngineContext: Sendable {
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
    /// - Parameter verdict: `nil` for a job that is held for a person.
    func finish(_ record: JobRecord, verdict: Verdict?, replies: [OutgoingReply]) async -> Settlement {
        if let verdict { recordOutcome(verdict, of: record) }
        await outbox.deliver(new: replies)
        return .ack
    }

    func recordOutcome(_ verdict: Verdict, of record: JobRecord) {
        metrics.jobAnswered(record.job.kind, outcome: verdict.outcome, amount: record.job.amount)
        guard verdict.outcome != .succeeded else { return }
        var metadata = record.metadata
        metadata["outcome"] = "\(verdict.outcome.rawValue)"
        if let failure = verdict.failure { metadata["error"] = "\(failure.code.rawValue)" }
        logger.log(verdict.outcome.isFinal(for: record.job.kind) ? .jobFinished : .jobUnfinished, metadata: metadata)
    }

    /// - Parameter reason: one clause without a subscriber number.
    func leftToPerson(_ record: JobRecord, reason: String) {
        logger.log(.jobNeedsPerson, metadata: record.metadata.merging(["why": "\(reason)"]) { $1 })
    }

    /// How to let go of a delivery when the ledger could not be asked for its job.
    func settlement(for error: LedgerError, kind: JobKind, reference: String) async -> Settlement {
        guard case .unreadable(let detail) = error else {
            await lanes.close(.ledger, detail: "\(error)")
            return .requeue
        }
        // The broker would deliver it again at once. Only the row tells whether it was sent before, so no answer would be true.
        logger.log(.jobUnreadable, metadata: ["kind": "\(kind.rawValue)", "reference": "\(reference)", "detail": "\(detail)"])
        metrics.deadLettered(.invalidJob)
        return .reject
    }
}

extension JobRecord {
    /// What a log line says of a job. It holds no subscriber number.
    var metadata: Logger.Metadata {
        ["kind": "\(job.kind.rawValue)", "reference": "\(job.reference)", "state": "\(progress.state.rawValue)"]
    }
}
