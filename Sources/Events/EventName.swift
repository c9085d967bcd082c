package import Logging

/// Every event that worker and poller log, with its name, level and sentence. Source: operating.md#events.
///
/// Dashboards and searches in the journal depend on the names: new ones may be added, and existing ones never change. The wording of a
/// sentence may change.
package enum EventName: String, CaseIterable, Sendable {
    case processStarting = "process.starting"
    case workerReady = "worker.ready"
    case pollerReady = "poller.ready"
    case workerStopping = "worker.stopping"
    case pollerStopping = "poller.stopping"
    case processStopped = "process.stopped"
    case processNotDrained = "process.not_drained"
    case processCannotRun = "process.cannot_run"
    case processInternalFault = "process.internal_fault"
    case configurationWarning = "configuration.warning"
    case configurationInvalid = "configuration.invalid"
    case configurationReloaded = "configuration.reloaded"
    case configurationNeedsRestart = "configuration.needs_restart"
    case configurationNotReloaded = "configuration.not_reloaded"
    case httpListening = "http.listening"
    case watchdogStarved = "watchdog.starved"
    case watchdogFed = "watchdog.fed"
    case logLinesDropped = "log.lines_dropped"

    case brokerNotConfigured = "broker.not_configured"
    case brokerConnected = "broker.connected"
    case brokerUnreachable = "broker.unreachable"
    case brokerLost = "broker.lost"
    case brokerBlocked = "broker.blocked"
    case brokerUnblocked = "broker.unblocked"
    case topologyWrong = "topology.wrong"
    case topologyMended = "topology.mended"
    case consumerStarted = "consumer.started"
    case consumerLost = "consumer.lost"

    case consumptionPaused = "consumption.paused"
    case consumptionReason = "consumption.reason_changed"
    case consumptionHoldEnded = "consumption.hold_ended"
    case consumptionResumed = "consumption.resumed"

    case jobResumed = "job.resumed"
    case jobFinished = "job.finished"
    case jobUnfinished = "job.unfinished"
    case jobLost = "job.lost"
    case jobNeedsPerson = "job.needs_person"
    case jobUnreadable = "job.unreadable"
    case jobNotRequeued = "job.not_requeued"
    case messageRefused = "message.refused"
    case messageUnpublishable = "message.unpublishable"
    case messageUnconfirmed = "message.unconfirmed"
    case requeueFailing = "requeue.failing"
    case requeueRecovered = "requeue.recovered"
    case clockSetBack = "clock.set_back"

    case replyUnroutable = "reply.unroutable"
    case replyRefused = "reply.refused"
    case replyAccepted = "reply.accepted"
    case replyNotPublished = "reply.not_published"
    case replyPublishedLate = "reply.published_late"
    case repliesOwed = "replies.owed"
    case repliesNotRead = "replies.not_read"
    case repliesUnreadable = "replies.unreadable"
    case repliesNotMarked = "replies.not_marked"
    case repliesMarked = "replies.marked"

    case enquiryReliable = "enquiry.reliable"
    case enquiryUnreliable = "enquiry.unreliable"
    case doubtsElsewhere = "doubts.elsewhere"
    case tokenRenewed = "token.renewed"
    case tokenNotRenewed = "token.not_renewed"
    case answerUnasked = "answer.unasked"

    case ledgerUnavailable = "ledger.unavailable"
    case ledgerFilePrivate = "ledger.file_private"
    case ledgerRestored = "ledger.restored"

    /// The row of the table for this event.
    package var row: Row {
        switch self {
        case .processStarting: Row(.notice, sentence: "starting")
        case .workerReady: Row(.notice, sentence: "ready: consuming jobs")
        case .pollerReady: Row(.notice, sentence: "ready: looking for jobs that are due")
        case .workerStopping: Row(.notice, sentence: "stopping: jobs in flight may finish, no new job is taken")
        case .pollerStopping: Row(.notice, sentence: "stopping: a leased job that is not yet on its queue is due again when its lease ends")
        case .processStopped: Row(.notice, sentence: "stopped: everything in flight was finished")
        case .processNotDrained: Row(.error, sentence: "stopped before everything in flight was finished; the next start takes it up again")
        case .processCannotRun: Row(.critical, sentence: "cannot run")
        case .processInternalFault: Row(.critical, sentence: "internal fault")
        case .configurationWarning: Row(.warning, sentence: "the configuration is used, with a warning")
        case .configurationInvalid: Row(.critical, sentence: "cannot run with this configuration")
        case .configurationReloaded: Row(.notice, sentence: "the configuration was read again")
        case .configurationNeedsRestart: Row(.warning, sentence: "the configuration was read again; some changes need a restart")
        case .configurationNotReloaded: Row(.error, sentence: "the configuration was not read again; the old one stays in force")
        case .httpListening: Row(.info, sentence: "HTTP endpoints are listening")
        case .watchdogStarved: Row(.critical, sentence: "no progress: systemd's watchdog gets no notification until there is some")
        case .watchdogFed: Row(.notice, sentence: "progress again: systemd's watchdog is notified")
        case .logLinesDropped: Row(.warning, sentence: "lines were dropped: the reader of the log did not keep up")
        case .brokerNotConfigured: Row(.error, sentence: "no broker is configured; set amqp.urls")
        case .brokerConnected: Row(.info, sentence: "connected to the broker")
        case .brokerUnreachable: Row(.warning, sentence: "no session with the broker; trying again")
        case .brokerLost: Row(.warning, sentence: "the session with the broker was lost; connecting again")
        case .brokerBlocked: Row(.warning, sentence: "the broker accepts no messages for now")
        case .brokerUnblocked: Row(.info, sentence: "the broker accepts messages again")
        case .topologyWrong: Row(.error, sentence: "an exchange, queue or binding on the broker is missing or different")
        case .topologyMended: Row(.notice, sentence: "an exchange, queue or binding on the broker is right again")
        case .consumerStarted: Row(.info, sentence: "consuming")
        case .consumerLost: Row(.warning, sentence: "the broker ended a consumer; consuming again")
        case .consumptionPaused: Row(.error, sentence: "consumption paused")
        case .consumptionReason: Row(.error, sentence: "consumption stays paused; the reason has changed")
        case .consumptionHoldEnded: Row(.notice, sentence: "an operator has ended the hold of a queue")
        case .consumptionResumed: Row(.notice, sentence: "consumption resumed")
        case .jobResumed: Row(.info, sentence: "job resumed")
        case .jobFinished: Row(.notice, sentence: "job finished without success")
        case .jobUnfinished: Row(.notice, sentence: "job not finished yet; its caller gets a reply that says so")
        case .jobLost: Row(.notice, sentence: "job lost to another run")
        case .jobNeedsPerson: Row(.error, sentence: "a job waits for a person: bosctl doubts shows it")
        case .jobUnreadable:
            Row(.error, sentence: "the ledger holds a job and cannot read its row; the job's message goes to the dead letters")
        case .jobNotRequeued: Row(.warning, sentence: "a job could not be put back on its queue and is tried again")
        case .messageRefused: Row(.notice, sentence: "message refused")
        case .messageUnpublishable: Row(.error, sentence: "a message cannot be published as it is")
        case .messageUnconfirmed: Row(.debug, sentence: "a message was not confirmed")
        case .requeueFailing: Row(.warning, sentence: "requeueing due jobs is failing")
        case .requeueRecovered: Row(.notice, sentence: "requeueing due jobs works again")
        case .clockSetBack: Row(.notice, sentence: "the clock was set back: jobs that were due too far ahead are due now")
        case .replyUnroutable: Row(.warning, sentence: "reply unroutable: no queue is bound for it; the unrouted queue keeps it")
        case .replyRefused:
            Row(
                .error,
                sentence:
                    "the broker refuses replies (basic.nack): a queue that is bound for them is full or unavailable; they stay owed and are tried again"
            )
        case .replyAccepted: Row(.notice, sentence: "the broker accepts replies again")
        case .replyNotPublished: Row(.error, sentence: "a reply could not be published; it stays owed and is tried again later")
        case .replyPublishedLate: Row(.notice, sentence: "a reply that could not be published before was published")
        case .repliesOwed: Row(.warning, sentence: "replies are owed: the broker has not confirmed them")
        case .repliesNotRead: Row(.warning, sentence: "owed replies could not be read")
        case .repliesUnreadable:
            Row(.error, sentence: "owed replies cannot be read and are not published; a person has to act: bosctl doubts shows them")
        case .repliesNotMarked: Row(.warning, sentence: "published replies cannot be marked; marking is tried again")
        case .repliesMarked: Row(.notice, sentence: "published replies can be marked again")
        case .enquiryReliable: Row(.notice, sentence: "the enquiry finds recharges")
        case .enquiryUnreliable: Row(.error, sentence: "the enquiry cannot be relied on: \"not found\" resolves no doubt")
        case .doubtsElsewhere:
            Row(
                .warning,
                sentence:
                    "recharges in doubt were sent to another API or account: unless api.formerly names it, each is left to a person (bosctl doubts)"
            )
        case .tokenRenewed: Row(.info, sentence: "token renewed")
        case .tokenNotRenewed: Row(.warning, sentence: "token not renewed")
        case .answerUnasked:
            Row(
                .warning,
                sentence:
                    "BOS or a proxy in front of it sent an answer without a request; from now on each recharge gets a connection of its own"
            )
        case .ledgerUnavailable: Row(.warning, sentence: "waiting for the ledger")
        case .ledgerFilePrivate: Row(.warning, sentence: "a file of the ledger was not private; its mode was corrected")
        case .ledgerRestored:
            Row(
                .warning,
                sentence:
                    "the ledger was restored from a copy: a recharge that it does not know is asked about and not sent, until bosctl ledger restore --finish"
            )
        }
    }

    /// What all lines of one event share.
    package struct Row: Sendable {
        package let level: Logger.Level
        /// The message of the line. It is constant, so that lines can be counted. Everything that differs from line to line is metadata.
        package let sentence: String

        fileprivate init(_ level: Logger.Level, sentence: String) {
            self.level = level
            self.sentence = sentence
        }
    }
}

extension Logger {
    /// Logs an event at its level. The metadata of the line holds the event's name as `event`.
    /// - Parameter metadata: everything that differs from line to line, without secrets and subscriber numbers.
    package func log(_ event: EventName, metadata: @autoclosure () -> Logger.Metadata = [:]) {
        log(level: event.row.level, "\(event.row.sentence)", metadata: metadata().merging(["event": "\(event.rawValue)"]) { $1 })
    }
}
