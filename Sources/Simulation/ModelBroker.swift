import AMQP
import JobEngine
import Synchronization

/// A broker with its queues: hands messages over, takes them back from whoever has lost its session, and keeps what is published.
final class ModelBroker: Sendable {
    struct Publication: Sendable {
        var message: Message
        var exchange: String
        var routingKey: String
        /// It has been handed over before.
        var isRedelivered = false
    }

    private struct Held {
        var publication: Publication
        var queue: String
        var holder: String
        var since: Int64
    }

    private struct State {
        var queues: [String: [Publication]] = [:]
        var held: [Int: Held] = [:]
        var nextTag = 0
        var replies: [Publication] = []
        var longestHold: Int64 = 0
        /// What upstreams have published once more after a queue was lost, by correlation id.
        var republished: [String: Int] = [:]
        /// How many messages upstreams have lost with a queue and not published once more yet.
        var missing = 0

        mutating func putBack(_ held: Held) {
            var publication = held.publication
            publication.isRedelivered = true
            queues[held.queue, default: []].insert(publication, at: 0)
        }
    }

    /// What becomes of a message that is published.
    enum Route {
        case kept
        /// No queue is bound for it.
        case nowhere
        /// Its sender may not write there.
        case turnedDown
    }

    /// An address that the broker lets no reply be written to.
    static let forbidden = "amq.gen-x"

    static let money = "bos.recharge"
    static let questions = "bos.status"

    let arrivals = WakeSignal()
    private let world: World
    private let state = Mutex(State())

    init(_ world: World) { self.world = world }

    var replies: [Publication] { state.withLock { $0.replies } }
    /// How long a delivery was held at the longest, those among them that are held now, in milliseconds.
    var longestHold: Int64 {
        state.withLock { state in state.held.values.reduce(state.longestHold) { max($0, world.elapsed - $1.since) } }
    }

    func holds(_ holder: String) -> Bool { state.withLock { $0.held.values.contains { $0.holder == holder } } }
    func depth(of queue: String) -> Int { state.withLock { $0.queues[queue]?.count ?? 0 } }
    /// Whether nothing is held, waits or is still to come.
    var isQuiet: Bool { state.withLock { $0.held.isEmpty && $0.missing == 0 && $0.queues.values.allSatisfy(\.isEmpty) } }

    /// How often the messages of this correlation id were published once more by upstreams that had lost them with their queue.
    func republished(_ correlationID: String) -> Int { state.withLock { $0.republished[correlationID] ?? 0 } }

    func route(_ exchange: String, _ routingKey: String) -> Route {
        switch exchange {
        case "": routingKey == Self.forbidden ? .turnedDown : .kept
        case "bos.replies": world.climate.unbound?.contains(world.elapsed) == true ? .nowhere : .kept
        default: .kept
        }
    }

    func keep(_ publication: Publication) {
        state.withLock { state in
            guard publication.exchange == "bos.jobs" else {
                if ["bos.replies", "bos.unrouted", ""].contains(publication.exchange) { state.replies.append(publication) }
                return
            }
            state.queues[publication.routingKey == "recharge" ? Self.money : Self.questions, default: []].append(publication)
        }
        arrivals.pulse()
    }

    /// The next message of a queue, if there is one.
    func take(_ queue: String, for holder: String) -> Delivery? {
        let taken = state.withLock { state -> (Int, Publication)? in
            guard state.queues[queue]?.isEmpty == false, let publication = state.queues[queue]?.removeFirst() else { return nil }
            state.nextTag += 1
            if world.bug != .ackBeforeCommit {
                state.held[state.nextTag] = Held(publication: publication, queue: queue, holder: holder, since: world.elapsed)
            }
            return (state.nextTag, publication)
        }
        guard let (tag, publication) = taken else { return nil }
        return Delivery(
            message: publication.message, exchange: publication.exchange, routingKey: publication.routingKey, queue: queue,
            isRedelivered: publication.isRedelivered
        ) { settlement in self.settle(tag, settlement) }
    }

    private func settle(_ tag: Int, _ settlement: Settlement) {
        if world.bug == .neverAcked, settlement == .ack { return }
        if let holder = state.withLock({ $0.held[tag]?.holder }), world.strikes(world.weather.lostSettlement) {
            world.note("the session of \(holder) ends before the broker hears what became of a delivery")
            return lose(holder)
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

    /// A queue is deleted, and declared again: its messages are gone, and what is said later about those that were held is heard by no queue.
    /// Their upstreams publish them again after a while; what the ledger had put there is the ledger's.
    func lose(queue: String) {
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
        world.note("the queue \(queue) is lost with \(lost.count) messages of upstreams")
        for var publication in lost {
            publication.isRedelivered = false
            let again = publication
            Task(executorPreference: world.executor) {
                await self.world.sleep(Int64(self.world.number(1_000...60_000)))
                self.state.withLock { $0.republished[again.message.properties.correlationID ?? "", default: 0] += 1 }
                self.keep(again)
                self.state.withLock { $0.missing -= 1 }
            }
        }
    }

    /// A session is gone: what it held goes back, and what it says about it later is heard by nobody.
    func lose(_ holder: String) {
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
