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

        mutating func putBack(_ held: Held) {
            var publication = held.publication
            publication.isRedelivered = true
            queues[held.queue, default: []].insert(publication, at: 0)
        }
    }

    static let money = "bos.recharge"
    static let questions = "bos.status"

    let arrivals = Signal()
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
    var isQuiet: Bool { state.withLock { $0.held.isEmpty && $0.queues.values.allSatisfy(\.isEmpty) } }

    func keep(_ publication: Publication) {
        state.withLock { state in
            guard publication.exchange == "bos.jobs" else {
                if publication.exchange == "bos.replies" { state.replies.append(publication) }
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
        let isBack = state.withLock { state in
            guard let held = state.held.removeValue(forKey: tag) else { return false }
            state.longestHold = max(state.longestHold, world.elapsed - held.since)
            guard settlement == .requeue else { return false }
            state.putBack(held)
            return true
        }
        if isBack { arrivals.pulse() }
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
