/// Every metric of this project, with its name, kind, labels and help text. Source: operating.md#metrics.
///
/// Dashboards and alerts depend on the names: new ones may be added, and existing ones never change. A metric that is made through
/// swift-metrics under one of these names gets its help text and bucket bounds from this table.
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
        case .jobs: Row(.counter, labels: ["kind", "outcome"], help: "Jobs answered with a reply, by outcome.")
        case .jobDuration:
            Row(.histogram(Self.jobSeconds), labels: ["kind"], help: "Time from accepting a job to its final reply being confirmed.")
        case .jobsInFlight: Row(.gauge, labels: ["kind"], help: "Jobs being worked on now.")
        case .jobsStored: Row(.gauge, labels: ["kind", "state"], help: "Jobs in the ledger, by state.")
        case .doubtOldestAge: Row(.gauge, labels: [], help: "Age of the oldest recharge whose outcome is unknown; 0 when there is none.")
        case .doubtAmount: Row(.gauge, labels: [], help: "Rupees in recharges whose outcome is unknown.")
        case .money: Row(.counter, labels: ["outcome"], help: "Rupees of recharges answered, by outcome.")
        case .panPending: Row(.gauge, labels: [], help: "PAN applications that are not decided yet.")
        case .dueOldestAge: Row(.gauge, labels: [], help: "How long the longest overdue ledger-owned job has been due; 0 when none is.")
        case .requeued: Row(.counter, labels: ["kind"], help: "Ledger-owned jobs put back on their queue when due.")
        case .apiRequests: Row(.counter, labels: ["endpoint", "result"], help: "Requests to the BOS API, by result.")
        case .apiRequestDuration: Row(.histogram(Self.requestSeconds), labels: ["endpoint"], help: "Time of one request to the BOS API.")
        case .retries: Row(.counter, labels: ["kind", "reason"], help: "Attempts after the first, by the reason for another one.")
        case .breakerState: Row(.gauge, labels: [], help: "Circuit breaker over recharges: 0 closed, 1 half-open, 2 open.")
        case .questionsBreakerState:
            Row(.gauge, labels: [], help: "Circuit breaker over enquiries and status checks: 0 closed, 1 half-open, 2 open.")
        case .consumptionPaused:
            Row(.gauge, labels: ["lane", "reason"], help: "1 while jobs of the lane are not consumed for this reason, else 0.")
        case .enquiryUnreliable:
            Row(
                .gauge, labels: [],
                help: "Merchants whose enquiry did not find a recharge that BOS has executed, or finds what was never sent.")
        case .concurrencyLimit: Row(.gauge, labels: ["kind"], help: "How many jobs may be in flight at the moment.")
        case .tokenExpires: Row(.gauge, labels: [], help: "Seconds until the bearer token expires; negative when it has.")
        case .queueMessages:
            Row(.gauge, labels: ["queue"], help: "Messages ready in the queue; delivered and ledger-owned ones are not among them.")
        case .queueConsumers: Row(.gauge, labels: ["queue"], help: "Consumers of the queue.")
        case .deadLetters: Row(.counter, labels: ["reason"], help: "Messages put on the dead-letter queue, by reason.")
        case .repliesPublished: Row(.counter, labels: ["kind"], help: "Replies confirmed by the broker.")
        case .repliesUnrouted:
            Row(
                .counter, labels: [],
                help: "Replies that came back because no queue was bound for them; what bos.unrouted keeps is in bos_queue_messages.")
        case .repliesOwed: Row(.gauge, labels: [], help: "Replies in the ledger that the broker has not confirmed yet.")
        case .repliesUnconfirmed: Row(.gauge, labels: [], help: "Replies published and not confirmed yet.")
        case .amqpConnected: Row(.gauge, labels: ["role"], help: "1 while the connection to the broker is up, else 0.")
        case .amqpReconnects: Row(.counter, labels: ["role"], help: "Sessions with the broker that were lost and built anew.")
        case .amqpBlocked: Row(.gauge, labels: [], help: "1 while the broker has blocked publishing, else 0.")
        case .ledgerCommitDuration:
            Row(.histogram(Self.commitSeconds), labels: [], help: "Time of one ledger transaction until it is on disk.")
        case .ledgerCommitRows: Row(.histogram(Self.commitRows), labels: [], help: "Writes committed together in one ledger transaction.")
        case .logLinesDropped: Row(.counter, labels: [], help: "Log lines that were dropped because the reader of the log did not keep up.")
        case .buildInfo: Row(.gauge, labels: ["version"], help: "Always 1; the label tells which version is running.")
        }
    }

    /// In seconds. From a fast recharge over the longest `jobs.timeout` to a doubt that took hours.
    private static let jobSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600]
    /// In seconds. The last bound is above the default `api.requestTimeout` of 30 seconds.
    private static let requestSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60]
    private static let commitSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]
    private static let commitRows: [Double] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]

    /// What the `/metrics` page says about one metric.
    package struct Row: Sendable {
        package let kind: MetricKind
        /// The names of the labels. The values of each label come from a closed set.
        package let labels: [String]
        package let help: String

        fileprivate init(_ kind: MetricKind, labels: [String], help: String) {
            self.kind = kind
            self.labels = labels
            self.help = help
        }
    }
}

/// The three metric types of Prometheus that this project uses. Source: Prometheus text format 0.0.4.
package enum MetricKind: Sendable, Equatable {
    case counter
    case gauge
    /// The value holds the upper bounds of the buckets, ascending and without `+Inf`.
    case histogram([Double])

    var typeName: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }
}
