package import Secrets

/// The broker: where it is, and the names of what is declared there. Section `amqp`.
package struct AMQPSettings: Sendable {
    /// Tried in turn. Secret because they hold the password.
    package var urls = [Secret("amqp://guest:guest@127.0.0.1:5672/%2f")]
    package var heartbeat = Duration.seconds(20)
    package var connectTimeout = Duration.seconds(10)
    /// `false`: the topology is only checked, for brokers where the user may not configure.
    package var declareTopology = true
    package var queueType = QueueType.quorum
    package var exchanges = Exchanges()
    package var queues = Queues()
    package var tls = TLS()

    package init() {}

    /// How the durable queues are kept.
    package enum QueueType: String, CaseIterable, Sendable {
        case quorum
        case classic
    }

    /// Names of the exchanges. Source: publishing.md#topology.
    package struct Exchanges: Sendable {
        package var jobs = "bos.jobs"
        package var replies = "bos.replies"
        package var unrouted = "bos.unrouted"
        package var dead = "bos.dead"

        package init() {}
    }

    /// Names of the queues. Source: publishing.md#topology.
    package struct Queues: Sendable {
        package var recharge = "bos.recharge"
        package var status = "bos.status"
        package var unrouted = "bos.unrouted"
        package var dead = "bos.dead"
        /// An exclusive queue that the one worker of a SQLite ledger holds, so that a second one notices.
        package var lock = "bos.worker.lock"
        /// Remembers whose jobs these are: a worker with another ledger is refused, for it could send a recharge a second time.
        package var ledger = "bos.worker.ledger"

        package init() {}
    }

    /// Files for `amqps://` URLs, all PEM.
    package struct TLS: Sendable {
        /// The authorities that may have signed the broker's certificate. librabbitmq 0.11 knows no default; this is Debian's.
        package var caFile = "/etc/ssl/certs/ca-certificates.crt"
        package var certificateFile: String?
        package var keyFile: String?

        package init() {}
    }
}
