import AMQP
import JobEngine
import Synchronization

/// A broker with its queues. It delivers messages, puts back those of a lost session, and keeps the published replies.
final class ModelBroker: Sendable {
    struct PublishedMessage: Sendable {
        var message: Message
        var exchange: String
        var routingKey: String
        /// Whether the broker has delivered the message before.
        var isRedelivered = false
    }

    /// A delivery that is not settled yet.
    private struct HeldDelivery {
        var publication: PublishedMessage
        var queue: String
        var holder: String
        var since: Int64
    }

    private struct State {
        var queues: [String: [PublishedMessage]] = [:]
        var held: [Int: HeldDelivery] = [:]
        var nextTag = 0
        var replies: [PublishedMessage] = []
        var longestHold: Int64 = 0
        /// How many messages upstreams have published again after a queue was deleted, by correlation id.
        var republished: [String: Int] = [:]
        /// How many messages were lost with a queue that upstreams have yet to publish again.
        var missing = 0

        mutating func putBack(_ held: HeldDelivery) {
            var publication = held.publication
            publication.isRedelivered = true
            queues[held.queue, default: []].insert(publication, at: 0)
        }
    }

    /// What the broker does with a published message.
    enum Route {
        case queued
        /// No queue is bound for its routing key.
        case unroutable
        /// The publisher may not write to this address.
        case denied
    }

    /// The broker denies every reply to this address.
    static let forbidden = "amq.gen-x"

    static let rechargeQueue = "bos.recharge"
    static let statusQueue = "bos.status"

    let arrivals = WakeSignal()
    private let world: SimulatedWorld
    private let state = Mutex(State())

    init(_ world: SimulatedWorld) { self.world = world }

    var replies: [PublishedMessage] { state.withLock { $0.replies } }
    /// The longest time that a delivery was held, in milliseconds. Deliveries that are still held count too.
    var longestHold: Int64 {
        state.withLock { state in state.held.values.reduce(state.longestHold) { max($0, world.elapsed - $1.since) } }
    }

    func holds(_ holder: String) -> Bool { state.withLock { $0.held.values.contains { $0.holder == holder } } }
    func depth(of queue: String) -> Int { state.withLock { $0.queues[queue]?.count ?? 0 } }
    /// Whether every queue is empty, no delivery is held, and no upstream has yet to publish a lost message again.
    var isQuiet: Bool { state.withLock { $0.held.isEmpty && $0.missing == 0 && $0.queues.values.allSatisfy(\.isEmpty) } }

    /// How many messages of this correlation id upstreams have published again because a queue was deleted.
    func republished(_ correlationID: String) -> Int { state.withLock { $0.republished[correlationID] ?? 0 } }

    func route(to exchange: String, routingKey: String) -> Route {
        switch exchange {
        case "": routingKey == Self.forbidden ? .denied : .queued
        case "bos.replies": world.conditions.unbound?.contains(world.elapsed) == true ? .unroutable : .queued
        default: .queued
        }
    }

    func enqueue(_ publication: PublishedMessage) {
        state.withLock { state in
            guard publication.exchange == "bos.jobs" else {
                if ["bos.replies", "bos.unrouted", ""].contains(publication.exchange) { state.replies.append(publication) }
                return
            }
            state.queues[publication.routingKey == "recharge" ? Self.rechargeQueue : Self.statusQueue, default: []].append(publication)
        }
        arrivals.pulse()
    }

    /// Delivers the next message of a queue; `nil` if the queue is empty.
    func take(_ queue: String, for holder: String) -> Delivery? {
        let taken = state.withLock { state -> (Int, PublishedMessage)? in
            guard state.queues[queue]?.isEmpty == false, let publication = state.queues[queue]?.removeFirst() else { return nil }
            state.nextTag += 1
            if world.bug != .ackBeforeCommit {
                state.held[state.nextTag] = HeldDelivery(publication: publication, queue: queue, holder: holder, since: world.elapsed)
            }
            return (state.nextTag, publication)
        }
        guard let (tag, publication) = taken else { return nil }
        return Delivery(
            message: publication.message,
            route: .init(exchange: publication.exchange, routingKey: publication.routingKey, queue: queue),
            isRedelivered: publication.isRedelivered
        ) { settlement in self.settle(tag, as: settlement) }
    }

    private func settle(_ tag: Int, as settlement: Settlement) {
        if world.bug == .neverAcked, settlement == .ack { return }
        if let holder = state.withLock({ $0.held[tag]?.holder }), world.shouldFail(world.faultRates.lostSettlement) {
            world.note("the session of \(holder) ends before the broker receives the settlement of a delivery")
            return endSession(of: holder)
        }
        let isBack = state.withLock { state in
            guard let held = state.held.removeValue(forKey: tag) else { return false }
            state.longestHold = max(state.longestHold, world.elapsed - held.since)
            guard settlement == .requeue else { return false }
            state.putBack(held)
            return true
        }
        if isBack { arrivals.pulse() }
    }

    /// Deletes a queue and declares it again. Its messages are lost, and later settlements of its held deliveries have no effect.
    ///
    /// Upstreams publish their lost messages again after a while. The poller has to requeue those that came from the ledger.
    func deleteQueue(_ queue: String) {
        let lost = state.withLock { state in
            let held = state.held.filter { $0.value.queue == queue }
            for (tag, delivery) in held {
                state.longestHold = max(state.longestHold, world.elapsed - delivery.since)
                state.held[tag] = nil
            }
            let publications = state.queues[queue, default: []] + held.sorted { $0.key < $1.key }.map(\.value.publication)
            state.queues[queue] = nil
            let lost = publications.filter { $0.message.properties.headers.isEmpty }
            state.missing += lost.count
            return lost
        }
        world.note("the queue \(queue) is deleted with \(lost.count) messages of upstreams")
        for var publication in lost {
            publication.isRedelivered = false
            let again = publication
            // A task of the world, because the upstream publishes again whatever happens to the worker.
            Task(executorPreference: world.executor) {
                await self.world.sleep(Int64(self.world.number(1_000...60_000)))
                self.state.withLock { $0.republished[again.message.properties.correlationID ?? "", default: 0] += 1 }
                self.enqueue(again)
                self.state.withLock { $0.missing -= 1 }
            }
        }
    }

    /// Ends a session. Its held deliveries go back to their queues, and its later settlements have no effect.
    func endSession(of holder: String) {
        state.withLock { state in
            for tag in state.held.keys.sorted(by: >) where state.held[tag]?.holder == holder {
                guard let held = state.held.removeValue(forKey: tag) else { continue }
                state.longestHold = max(state.longestHold, world.elapsed - held.since)
                state.putBack(held)
            }
        }
        arrivals.pulse()
    }
}
