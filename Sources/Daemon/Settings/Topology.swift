package import AMQP
package import JobEngine
package import JobModel

/// The exchanges, queues and bindings that the programs declare on the broker, with their names. Source: publishing.md#topology.
package struct Topology: Sendable {
    /// `false`: the programs only check exchanges and queues, for brokers where their user has no right to configure.
    var isDeclared = true
    var queueType = QueueType.quorum
    package var exchanges = EngineConfiguration.Exchanges()
    package var queues = Queues()

    /// The queue type of the durable queues.
    enum QueueType: String, CaseIterable, Sendable {
        case quorum
        case classic
    }

    package struct Queues: Sendable {
        package var recharge = "bos.recharge"
        package var status = "bos.status"
        package var unrouted = "bos.unrouted"
        package var dead = "bos.dead"
        /// The lock: an exclusive queue that the one worker of a SQLite ledger holds. It keeps a second worker out.
        package var lock = "bos.worker.lock"
        /// The marker: a queue that remembers the ledger of this virtual host. It keeps out a worker with another ledger, which could send
        /// a recharge a second time.
        package var ledger = "bos.worker.ledger"
    }

    var mode: TopologyMode { isDeclared ? .declare : .check }
}

extension Topology {
    /// After so many deliveries of one job the broker dead-letters it. The limit is high because a crash of the worker counts as a delivery
    /// of every job that it held, and crashes must not remove a job from its queue.
    private static let deliveryLimit: Int64 = 1_000

    /// The items that both worker and poller need.
    package var sharedItems: [TopologyItem] {
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

    /// The items for the worker's consuming connection. The guard queues (lock and marker) come first, so a worker that is refused has
    /// changed nothing. The lock comes before the marker, so only the worker that holds the lock can declare the marker.
    func consumeItems(ledger identity: String) -> [TopologyItem] {
        [.exclusiveQueue(name: queues.lock)] + publishItems(ledger: identity)
    }

    /// The items for the worker's publishing connection. The marker is among them: in the virtual host of another ledger no caller waits
    /// for this worker's replies.
    func publishItems(ledger identity: String) -> [TopologyItem] {
        [marker(identity, mustExist: false)] + sharedItems
    }

    /// The items for the poller. The marker is among them: the worker of another ledger would refuse the poller's jobs, and this ledger
    /// would count them as put back on their queue.
    func pollerItems(ledger identity: String) -> [TopologyItem] {
        [marker(identity, mustExist: true)] + sharedItems
    }

    /// The items for `bosctl` when it publishes replies of a ledger. It declares nothing.
    package func replyItems(ledger identity: String) -> [TopologyItem] {
        [marker(identity, mustExist: true), .exchange(name: exchanges.replies, kind: "topic")]
    }

    /// The items for `bosctl` when it publishes jobs that this ledger was asked about. It declares nothing.
    package func jobItems(ledger identity: String) -> [TopologyItem] {
        [marker(identity, mustExist: true), .exchange(name: exchanges.jobs, kind: "direct")]
    }

    /// - Parameter mustExist: `false` for the worker, which declares the marker. `true` for the poller and `bosctl`, which only compare it.
    private func marker(_ identity: String, mustExist: Bool) -> TopologyItem {
        // `TopologyItem.marker` requires a dead-letter exchange, and the broker requires the right to write to it. The worker has that
        // right for this exchange anyway. Only a message that another program publishes into the marker by mistake goes there.
        let arguments = keptArguments.merging(["x-dead-letter-exchange": .string(exchanges.dead)]) { $1 }
        return .marker(queue: queues.ledger, text: identity, arguments: arguments, mustExist: mustExist)
    }

    /// The marker, to be compared with the ledger's name. Declare it only where it exists.
    package func markerItem(ledger identity: String) -> TopologyItem { marker(identity, mustExist: true) }

    /// The lane whose jobs come from this queue; `nil` for the queues that keep messages.
    package func lane(of queue: String) -> JobLane? {
        switch queue {
        case queues.recharge: .money
        case queues.status: .questions
        default: nil
        }
    }

    package var usesQuorumQueues: Bool { queueType == .quorum }
    /// The queue of dead letters.
    package var deadQueue: String { queues.dead }
    /// The queue of replies for which no queue was bound.
    package var unroutedQueue: String { queues.unrouted }

    /// The queues whose depth the metrics and the status page show.
    package var watchedQueues: [String] { [queues.recharge, queues.status, queues.dead, queues.unrouted] }

    /// The arguments of a queue that keeps messages.
    private var keptArguments: [String: FieldValue] {
        switch queueType {
        case .quorum: ["x-queue-type": .string("quorum")]
        case .classic: [:]
        }
    }

    /// The arguments of a job queue: messages that are rejected or delivered too often become dead letters.
    private var jobArguments: [String: FieldValue] {
        let deadLetters: [String: FieldValue] = ["x-dead-letter-exchange": .string(exchanges.dead)]
        switch queueType {
        case .classic: return deadLetters
        case .quorum:
            // At-least-once dead-lettering requires the overflow policy reject-publish. Without at-least-once a dead letter can be lost.
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
