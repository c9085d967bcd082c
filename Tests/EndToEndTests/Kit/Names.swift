/// Names of one test's exchanges and queues, so that tests can share a broker.
struct Names: Sendable {
    let prefix: String

    var jobs: String { "\(prefix).jobs" }
    var replies: String { "\(prefix).replies" }
    var unrouted: String { "\(prefix).unrouted" }
    var dead: String { "\(prefix).dead" }
    var recharge: String { "\(prefix).recharge" }
    var status: String { "\(prefix).status" }
    var lock: String { "\(prefix).lock" }
    var ledger: String { "\(prefix).ledger" }
    /// Of a consumer that lets go of nothing.
    var held: String { "\(prefix).held" }
    var replyQueue: String { "\(prefix).upstream" }

    /// As the worker's environment.
    var environment: [String: String] {
        [
            "BOS_AMQP_EXCHANGES_JOBS": jobs, "BOS_AMQP_EXCHANGES_REPLIES": replies, "BOS_AMQP_EXCHANGES_UNROUTED": unrouted,
            "BOS_AMQP_EXCHANGES_DEAD": dead, "BOS_AMQP_QUEUES_RECHARGE": recharge, "BOS_AMQP_QUEUES_STATUS": status,
            "BOS_AMQP_QUEUES_UNROUTED": unrouted, "BOS_AMQP_QUEUES_DEAD": dead, "BOS_AMQP_QUEUES_LOCK": lock,
            "BOS_AMQP_QUEUES_LEDGER": ledger,
        ]
    }
}
