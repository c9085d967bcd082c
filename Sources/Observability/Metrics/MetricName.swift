/// Every metric of this project: its name, kind, labels and help text in one place.
///
/// Dashboards and alerts depend on the names, so they may be added to but never changed. Whoever makes a metric through
/// swift-metrics under one of these names gets the help text and the bucket bounds from here.
/// Source: operating.md#metrics.
package enum MetricName: String, CaseIterable, Sendable {
    case jobs = "bos_jobs_total"
    case jobDuration = "bos_job_duration_seconds"
    case jobsInFlight = "bos_jobs_in_flight"
    case jobsStored = "bos_jobs_stored"
    case doubtOldestAge = "bos_doubt_oldest_age_seconds"
    case doubtAmount = "bos_doubt_amount_rupees"
    case money = "bos_money_rupees_total"
    case panPending = "bos_pan_pending"
    case dueOldestAge = "bos_due_oldest_age_seconds"
    case requeued = "bos_requeued_total"
    case apiRequests = "bos_api_requests_total"
    case apiRequestDuration = "bos_api_request_duration_seconds"
    case retries = "bos_retries_total"
    case breakerState = "bos_breaker_state"
    case questionsBreakerState = "bos_questions_breaker_state"
    case consumptionPaused = "bos_consumption_paused"
    case enquiryUnreliable = "bos_enquiry_unreliable"
    case concurrencyLimit = "bos_concurrency_limit"
    case tokenExpires = "bos_token_expires_seconds"
    case queueMessages = "bos_queue_messages"
    case queueConsumers = "bos_queue_consumers"
    case deadLetters = "bos_dead_letters_total"
    case repliesPublished = "bos_replies_published_total"
    case repliesUnrouted = "bos_replies_unrouted_total"
    case repliesUnconfirmed = "bos_replies_unconfirmed"
    case repliesOwed = "bos_replies_owed"
    case amqpConnected = "bos_amqp_connected"
    case amqpReconnects = "bos_amqp_reconnects_total"
    case amqpBlocked = "bos_amqp_blocked"
    case ledgerCommitDuration = "bos_ledger_commit_duration_seconds"
    case ledgerCommitRows = "bos_ledger_commit_rows"
    case logLinesDropped = "bos_log_lines_dropped_total"
    case buildInfo = "bos_build_info"

    /// The row of the table for this metric.
    package var row: Row {
        switch self {
        case .jobs: Row(.counter, ["kind", "outcome"], "Jobs answered with a reply, by outcome.")
        case .jobDuration: Row(.histogram(Self.jobSeconds), ["kind"], "Time from accepting a job to its final reply being confirmed.")
        case .jobsInFlight: Row(.gauge, ["kind"], "Jobs being worked on now.")
        case .jobsStored: Row(.gauge, ["kind", "state"], "Jobs in the ledger, by state.")
        case .doubtOldestAge: Row(.gauge, [], "Age of the oldest recharge whose outcome is unknown; 0 when there is none.")
        case .doubtAmount: Row(.gauge, [], "Rupees in recharges whose outcome is unknown.")
        case .money: Row(.counter, ["outcome"], "Rupees of recharges answered, by outcome.")
        case .panPending: Row(.gauge, [], "PAN applications that are not decided yet.")
        case .dueOldestAge: Row(.gauge, [], "How long the longest overdue ledger-owned job has been due; 0 when none is.")
        case .requeued: Row(.counter, ["kind"], "Ledger-owned jobs put back on their queue when due.")
        case .apiRequests: Row(.counter, ["endpoint", "result"], "Requests to the BOS API, by result.")
        case .apiRequestDuration: Row(.histogram(Self.requestSeconds), ["endpoint"], "Time of one request to the BOS API.")
        case .retries: Row(.counter, ["kind", "reason"], "Attempts after the first, by the reason for another one.")
        case .breakerState: Row(.gauge, [], "Circuit breaker over recharges: 0 closed, 1 half-open, 2 open.")
        case .questionsBreakerState: Row(.gauge, [], "Circuit breaker over enquiries and status checks: 0 closed, 1 half-open, 2 open.")
        case .consumptionPaused: Row(.gauge, ["lane", "reason"], "1 while jobs of the lane are not consumed for this reason, else 0.")
        case .enquiryUnreliable:
            Row(.gauge, [], "Merchants whose enquiry did not find a recharge that BOS has executed, or finds what was never sent.")
        case .concurrencyLimit: Row(.gauge, ["kind"], "How many jobs may be in flight at the moment.")
        case .tokenExpires: Row(.gauge, [], "Seconds until the bearer token expires; negative when it has.")
        case .queueMessages: Row(.gauge, ["queue"], "Messages ready in the queue; delivered and ledger-owned ones are not among them.")
        case .queueConsumers: Row(.gauge, ["queue"], "Consumers of the queue.")
        case .deadLetters: Row(.counter, ["reason"], "Messages put on the dead-letter queue, by reason.")
        case .repliesPublished: Row(.counter, ["kind"], "Replies confirmed by the broker.")
        case .repliesUnrouted:
            Row(
                .counter, [],
                "Replies that came back because no queue was bound for them; what bos.unrouted keeps is in bos_queue_messages.")
        case .repliesOwed: Row(.gauge, [], "Replies in the ledger that the broker has not confirmed yet.")
        case .repliesUnconfirmed: Row(.gauge, [], "Replies published and not confirmed yet.")
        case .amqpConnected: Row(.gauge, ["role"], "1 while the connection to the broker is up, else 0.")
        case .amqpReconnects: Row(.counter, ["role"], "Sessions with the broker that were lost and built anew.")
        case .amqpBlocked: Row(.gauge, [], "1 while the broker has blocked publishing, else 0.")
        case .ledgerCommitDuration: Row(.histogram(Self.commitSeconds), [], "Time of one ledger transaction until it is on disk.")
        case .ledgerCommitRows: Row(.histogram(Self.commitRows), [], "Writes committed together in one ledger transaction.")
        case .logLinesDropped: Row(.counter, [], "Log lines that were dropped because the reader of the log did not keep up.")
        case .buildInfo: Row(.gauge, ["version"], "Always 1; the label tells which version is running.")
        }
    }

    /// From a fast recharge to the longest time that a delivery may be held, and on to a doubt that took hours.
    private static let jobSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600]
    /// Ends behind the default request time-out of 30 seconds.
    private static let requestSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60]
    private static let commitSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]
    private static let commitRows: [Double] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]

    /// What Prometheus is told of one metric.
    package struct Row: Sendable {
        package let kind: MetricKind
        /// The label names, all with values from closed sets.
        package let labels: [String]
        package let help: String

        fileprivate init(_ kind: MetricKind, _ labels: [String], _ help: String) {
            self.kind = kind
            self.labels = labels
            self.help = help
        }
    }
}

/// The three Prometheus types in use. Source: Prometheus text format 0.0.4.
package enum MetricKind: Sendable, Equatable {
    case counter
    case gauge
    /// With the upper bounds of its buckets, ascending, without `+Inf`.
    case histogram([Double])

    var typeName: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }
}
