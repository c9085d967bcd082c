/// The names of one test's exchanges and queues. Tests with different names can share a broker.
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
    /// The queue of the consumer that never settles its delivery.
    var held: String { "\(prefix).held" }
    var replyQueue: String { "\(prefix).upstream" }

    /// The names as environment variables of the worker.
    var environment: [String: String] {
        [
            "BOS_AMQP_EXCHANGES_JOBS": jobs, "BOS_AMQP_EXCHANGES_REPLIES": replies, "BOS_AMQP_EXCHANGES_UNROUTED": unrouted,
            "BOS_AMQP_EXCHANGES_DEAD": dead, "BOS_AMQP_QUEUES_RECHARGE": recharge, "BOS_AMQP_QUEUES_STATUS": status,
            "BOS_AMQP_QUEUES_UNROUTED": unrouted, "BOS_AMQP_QUEUES_DEAD": dead, "BOS_AMQP_QUEUES_LOCK": lock,
            "BOS_AMQP_QUEUES_LEDGER": ledger,
        ]
    }
}
