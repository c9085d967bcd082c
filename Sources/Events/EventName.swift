package import Logging

/// Every line that worker and poller log: its name, level and sentence in one place.
///
/// Dashboards and searches in the journal depend on the names, so names may be added but never changed. A sentence may be worded anew.
/// Source: operating.md#events.
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
    case settingIgnored = "setting.ignored"
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

    /// The row of the table for this event.
    package var row: Row {
        switch self {
        case .processStarting: Row(.notice, "starting")
        case .workerReady: Row(.notice, "ready: consuming jobs")
        case .pollerReady: Row(.notice, "ready: looking for jobs that are due")
        case .workerStopping: Row(.notice, "stopping: jobs in flight may finish, no new job is taken")
        case .pollerStopping: Row(.notice, "stopping: a leased job that is not yet on its queue is due again when its lease ends")
        case .processStopped: Row(.notice, "stopped: everything in flight was finished")
        case .processNotDrained: Row(.error, "stopped before everything in flight was finished; the next start takes it up again")
        case .processCannotRun: Row(.critical, "cannot run")
        case .processInternalFault: Row(.critical, "internal fault")
        case .settingIgnored: Row(.warning, "an environment variable was ignored")
        case .configurationInvalid: Row(.critical, "cannot run with this configuration")
        case .configurationReloaded: Row(.notice, "the configuration was read again")
        case .configurationNeedsRestart: Row(.warning, "the configuration was read again; some changes need a restart")
        case .configurationNotReloaded: Row(.error, "the configuration was not read again; the one in force stays")
        case .httpListening: Row(.info, "HTTP endpoints are listening")
        case .watchdogStarved: Row(.critical, "no progress; systemd's watchdog is not fed until there is some")
        case .watchdogFed: Row(.notice, "progress again; systemd's watchdog is fed")
        case .logLinesDropped: Row(.warning, "lines were dropped: the reader of the log did not keep up")
        case .brokerNotConfigured: Row(.error, "no broker is configured; set amqp.urls")
        case .brokerConnected: Row(.info, "connected to the broker")
        case .brokerUnreachable: Row(.warning, "no session with the broker; trying again")
        case .brokerLost: Row(.warning, "the session with the broker was lost; connecting again")
        case .brokerBlocked: Row(.warning, "the broker takes no messages for now")
        case .brokerUnblocked: Row(.info, "the broker takes messages again")
        case .topologyWrong: Row(.error, "an object on the broker is not as it must be")
        case .topologyMended: Row(.notice, "an object on the broker is as it must be again")
        case .consumerStarted: Row(.info, "consuming")
        case .consumerLost: Row(.warning, "the broker ended a consumer; consuming again")
        case .consumptionPaused: Row(.error, "consumption paused")
        case .consumptionReason: Row(.error, "consumption stays paused; the reason has changed")
        case .consumptionResumed: Row(.notice, "consumption resumed")
        case .jobResumed: Row(.info, "job resumed")
        case .jobFinished: Row(.notice, "job finished without success")
        case .jobUnfinished: Row(.notice, "job not finished yet; its caller is told so")
        case .jobLost: Row(.notice, "job lost to another run")
        case .jobNeedsPerson: Row(.error, "a job waits for a person: bosctl doubts shows it")
        case .jobUnreadable: Row(.error, "the ledger knows a job and cannot read it; the job's message goes to the dead letters")
        case .jobNotRequeued: Row(.warning, "a job could not be put back on its queue and is tried again")
        case .messageRefused: Row(.notice, "message refused")
        case .messageUnpublishable: Row(.error, "a message cannot be published as it is")
        case .messageUnconfirmed: Row(.debug, "a message was not confirmed")
        case .requeueFailing: Row(.warning, "requeueing due jobs is failing")
        case .requeueRecovered: Row(.notice, "requeueing due jobs works again")
        case .clockSetBack: Row(.notice, "the clock was set back: jobs that were due too far ahead are due now")
        case .replyUnroutable: Row(.warning, "reply unroutable: no queue is bound for it; the unrouted queue keeps it")
        case .replyRefused:
            Row(
                .error,
                "the broker refuses replies (basic.nack): a queue that is bound for them is full or not available; they stay owed and are tried again"
            )
        case .replyAccepted: Row(.notice, "the broker takes replies again that it has refused")
        case .replyNotPublished: Row(.error, "a reply could not be published; it stays owed and is tried again now and then")
        case .replyPublishedLate: Row(.notice, "a reply that could not be published was published")
        case .repliesOwed: Row(.warning, "replies are owed that the broker has not taken")
        case .repliesNotRead: Row(.warning, "owed replies could not be read")
        case .repliesUnreadable:
            Row(.error, "owed replies cannot be read and are not published; a person has to see to them: bosctl doubts")
        case .repliesNotMarked: Row(.warning, "published replies cannot be marked; marking is tried again")
        case .repliesMarked: Row(.notice, "published replies are marked again")
        case .enquiryReliable: Row(.notice, "the enquiry finds recharges")
        case .enquiryUnreliable: Row(.error, "the enquiry cannot be relied on: \"not found\" settles no doubt")
        case .doubtsElsewhere:
            Row(
                .warning,
                "recharges in doubt were sent to another API or account: unless api.formerly names it, each is left to a person (bosctl doubts)"
            )
        case .tokenRenewed: Row(.info, "token renewed")
        case .tokenNotRenewed: Row(.warning, "token not renewed")
        case .answerUnasked:
            Row(
                .warning,
                "BOS, or a proxy before it, has sent an answer that was not asked for; each recharge has a connection of its own from now on"
            )
        case .ledgerUnavailable: Row(.warning, "waiting for the ledger")
        case .ledgerFilePrivate: Row(.warning, "a file of the ledger was not private; it is now")
        }
    }

    /// What all lines of one event share.
    package struct Row: Sendable {
        package let level: Logger.Level
        /// Constant, so that lines can be counted. What differs stands in the metadata.
        package let sentence: String

        fileprivate init(_ level: Logger.Level, _ sentence: String) {
            self.level = level
            self.sentence = sentence
        }
    }
}

extension Logger {
    /// Logs an event. The line's metadata holds its name as `event`.
    /// - Parameter metadata: what differs from line to line. No secret and no subscriber number.
    package func log(_ event: EventName, _ metadata: @autoclosure () -> Logger.Metadata = [:]) {
        log(level: event.row.level, "\(event.row.sentence)", metadata: metadata().merging(["event": "\(event.rawValue)"]) { $1 })
    }
}
