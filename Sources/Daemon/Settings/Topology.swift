package import AMQP
package import JobEngine

/// What is declared on the broker, and under which names. Source: publishing.md#topology.
package struct Topology: Sendable {
    /// `false`: exchanges and queues are only checked, for brokers where the user may not configure.
    var isDeclared = true
    var queueType = QueueType.quorum
    package var exchanges = EngineConfiguration.Exchanges()
    var queues = Queues()

    /// How the durable queues are kept.
    enum QueueType: String, CaseIterable, Sendable {
        case quorum
        case classic
    }

    struct Queues: Sendable {
        var recharge = "bos.recharge"
        var status = "bos.status"
        var unrouted = "bos.unrouted"
        var dead = "bos.dead"
        /// An exclusive queue that the one worker of a SQLite ledger holds, so that a second one notices.
        var lock = "bos.worker.lock"
        /// Remembers whose jobs these are: a worker with another ledger is refused, for it could send a recharge a second time.
        var ledger = "bos.worker.ledger"
    }

    var mode: TopologyMode { isDeclared ? .declare : .check }
}

extension Topology {
    /// Deliveries of one job after which the broker gives up and dead-letters it. High, because a crash of the worker counts
    /// against every delivery it held, and no crash may take a job out of its queue.
    private static let deliveryLimit: Int64 = 1_000

    /// Everything that worker and poller need on the broker.
    private var common: [TopologyItem] {
        [
            .exchange(name: exchanges.jobs, kind: "direct"),
            .exchange(name: exchanges.unrouted, kind: "fanout"),
            .exchange(
                name: exchanges.replies, kind: "topic", arguments: ["alternate-exchange": .string(exchanges.unrouted)]),
            .exchange(name: exchanges.dead, kind: "fanout"),
            .queue(name: queues.dead, arguments: keptArguments),
            .binding(queue: queues.dead, exchange: exchanges.dead, routingKey: ""),
            .queue(name: queues.unrouted, arguments: keptArguments),
            .binding(queue: queues.unrouted, exchange: exchanges.unrouted, routingKey: ""),
            .queue(name: queues.recharge, arguments: jobArguments),
            .binding(queue: queues.recharge, exchange: exchanges.jobs, routingKey: "recharge"),
            .queue(name: queues.status, arguments: jobArguments),
            .binding(queue: queues.status, exchange: exchanges.jobs, routingKey: "recharge.status"),
            .binding(queue: queues.status, exchange: exchanges.jobs, routingKey: "pan.status"),
        ]
    }

    /// What a worker needs where it consumes. First its claims, so that one that is turned away has changed nothing; and the lock before
    /// the marker, so that only the one worker says whose virtual host it is.
    func consumeItems(ledger identity: String) -> [TopologyItem] {
        [.exclusiveQueue(name: queues.lock)] + publishItems(ledger: identity)
    }

    /// What it needs where it publishes: in a virtual host of another ledger nobody waits for its replies.
    func publishItems(ledger identity: String) -> [TopologyItem] {
        [marker(identity, mustExist: false)] + common
    }

    /// What a poller needs: in a virtual host of another ledger its jobs would be refused, and here they would count as put back.
    func pollerItems(ledger identity: String) -> [TopologyItem] {
        [marker(identity, mustExist: true)] + common
    }

    /// What a person's command needs to publish replies of a ledger. It declares nothing.
    package func replyItems(ledger identity: String) -> [TopologyItem] {
        [marker(identity, mustExist: true), .exchange(name: exchanges.replies, kind: "topic")]
    }

    /// - Parameter mustExist: only the one worker says whose virtual host it is; the poller and bosctl may only find that it is theirs.
    private func marker(_ identity: String, mustExist: Bool) -> TopologyItem {
        // Nothing is ever dead-lettered from the marker: it names the exchange that a worker must be allowed to write to anyway.
        let arguments = keptArguments.merging(["x-dead-letter-exchange": .string(exchanges.dead)]) { $1 }
        return .marker(queue: queues.ledger, text: identity, arguments: arguments, mustExist: mustExist)
    }

    /// The queues that operators watch.
    var watchedQueues: [String] { [queues.recharge, queues.status, queues.dead, queues.unrouted] }

    private var keptArguments: [String: FieldValue] {
        switch queueType {
        case .quorum: ["x-queue-type": .string("quorum")]
        case .classic: [:]
        }
    }

    private var jobArguments: [String: FieldValue] {
        let deadLetters: [String: FieldValue] = ["x-dead-letter-exchange": .string(exchanges.dead)]
        switch queueType {
        case .classic: return deadLetters
        case .quorum:
            // At-least-once dead-lettering needs reject-publish; without it a dead letter can be lost on its way.
            let own: [String: FieldValue] = [
                "x-queue-type": .string("quorum"),
                "x-delivery-limit": .int(Self.deliveryLimit),
                "x-dead-letter-strategy": .string("at-least-once"),
                "x-overflow": .string("reject-publish"),
            ]
            return deadLetters.merging(own) { mine, _ in mine }
        }
    }
}
