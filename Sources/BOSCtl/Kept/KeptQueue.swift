import AMQP
import Daemon
import JobEngine
import JobModel

/// Reads a queue that keeps messages, and leaves there what is not acked.
///
/// The broker hands the messages out without an ack and takes them back, in their order, when the connection ends, however it ends. A quorum
/// queue counts how often it took a message back. RabbitMQ 4 drops a message after 20 times, and so does every broker whose policy sets a
/// `delivery-limit`. So a message that came back ``renewalCount`` times is published into the queue anew, which begins the count again.
/// Source: RabbitMQ's guide "Quorum Queues", section "Poison Message Handling".
final class KeptQueue {
    /// How many messages are on their way at once. The program holds no more bodies than these in memory.
    private static let page = 50
    /// Half of RabbitMQ 4's limit.
    private static let renewalCount = 10
    /// How long a message may take that the broker has counted.
    private static let patience = Duration.seconds(5)

    let name: String
    let publishing: Connection
    private let consuming: Connection
    private let console: Console
    private var deliveries: Deliveries?
    /// Counts the pages from 0 on.
    private var pageNumber = 0
    /// How many messages were taken since the page began, and not acked.
    private var held = 0

    private init(name: String, consuming: Connection, publishing: Connection, console: Console) {
        self.name = name
        self.consuming = consuming
        self.publishing = publishing
        self.console = console
    }

    /// How many messages are ready. Those that this program holds do not count.
    func depth() async throws(KeptFailure) -> Int {
        do throws(SessionError) {
            let (messages, _) = try await consuming.depth(of: name)
            return Int(messages)
        } catch { throw .broker(name, "\(error)") }
    }

    /// Reads messages from the head of the queue on. Messages that were read before by this object are not read again.
    /// - Parameters:
    ///   - limit: how many are read at most.
    ///   - visit: may ack the message, or claim it. Returns whether to go on.
    func read(limit: Int = .max, _ visit: (HeldMessage) async throws -> Bool) async throws {
        if deliveries == nil { try await noteOthers() }
        // Messages that come meanwhile are not read: the queue may grow faster than a person reads.
        var left = min(try await depth(), limit)
        while left > 0, let message = try await next() {
            left -= 1
            let goesOn = try await visit(message)
            if !message.isClaimed { await giveBack(message) }
            if !goesOn { return }
        }
    }

    /// Reads on until a message comes that this program has put at the queue's end.
    /// - Parameter isLast: visits a message, and may ack it. Returns whether it is that message.
    /// - Throws: ``KeptFailure/broker(_:_:)`` if the message does not come.
    func readOn(until isLast: (HeldMessage) -> Bool) async throws {
        while let message = try await next() {
            if isLast(message) { return }
        }
        throw KeptFailure.broker(name, "the broker does not hand out its last messages")
    }

    private func noteOthers() async throws {
        guard let (_, consumers) = try? await consuming.depth(of: name), consumers > 0 else { return }
        console.complain("another program consumes \(name) now and may hold messages, which are not shown here")
    }

    /// - Returns: `nil` if the broker hands out no more.
    private func next() async throws -> HeldMessage? {
        let deliveries = await turnPage()
        let start = ContinuousClock.now
        while ContinuousClock.now - start < Self.patience {
            if consuming.status.reconnects > 0 { throw KeptFailure.broker(name, "the connection was lost") }
            if let trouble = deliveries.trouble { throw KeptFailure.unreadable(name, trouble) }
            guard let delivery = await deliveries.next(within: .milliseconds(250)) else { continue }
            held += 1
            return HeldMessage(delivery) { [weak self, pageNumber] in
                // The prefetch of an earlier page is not used any more.
                if self?.pageNumber == pageNumber { self?.held -= 1 }
            }
        }
        return nil
    }

    /// Begins the next page when every message of this one is held: a new consumer has a prefetch of its own.
    private func turnPage() async -> Deliveries {
        guard let deliveries else {
            let first = consuming.consume(queue: name, prefetch: UInt16(Self.page))
            deliveries = first
            return first
        }
        if held >= Self.page {
            await deliveries.pause()
            (held, pageNumber) = (0, pageNumber + 1)
            await deliveries.resume(prefetch: UInt16(Self.page))
        }
        return deliveries
    }

    /// Leaves a message in its queue. One that came back too often is published into the queue anew and acked then, so that the queue's count of its
    /// returns begins again.
    func giveBack(_ held: HeldMessage) async {
        let message = held.kept
        guard !held.isSettled, message.deliveryCount >= Self.renewalCount else { return }
        guard !message.isTruncated else {
            return console.complain("message \(message.id) was handed out \(message.deliveryCount) times and is too large to be renewed")
        }
        do throws(PublishError) {
            try await publishing.publish(message.renewed, exchange: "", routingKey: name, mandatory: true, timeout: Self.confirmTimeout)
            held.ack()
        } catch {
            console.complain(
                "message \(message.id) was handed out \(message.deliveryCount) times, and could not be put at the end of \(name) anew "
                    + "(\(error)): a broker with a delivery-limit may drop it")
        }
    }

    /// How long the broker may take to confirm a message.
    static let confirmTimeout = Duration.seconds(20)
}

/// A message that this program holds. Without an ack it goes back to its queue.
final class HeldMessage {
    let kept: KeptMessage
    private(set) var isSettled = false
    /// The command will ack it or give it back later.
    var isClaimed = false
    private let delivery: Delivery
    private let onAck: () -> Void

    init(_ delivery: Delivery, onAck: @escaping () -> Void) {
        kept = KeptMessage(delivery)
        self.delivery = delivery
        self.onAck = onAck
    }

    /// Removes the message from its queue.
    func ack() {
        guard !isSettled else { return }
        isSettled = true
        delivery.ack()
        onAck()
    }
}

// MARK: - The connections

extension KeptQueue {
    /// Connects, runs `body` with the queue, and closes the connections. Acks are with the broker then.
    /// - Parameters:
    ///   - items: what must exist before anything is published.
    ///   - largest: the largest body in bytes that is kept in memory, and the memory for all bodies that no job may have; `nil` for the usual.
    static func with<Value>(
        _ name: String, publishing items: [TopologyItem] = [], largest: Int? = nil, settings: Settings, console: Console,
        body: (KeptQueue) async throws -> Value
    ) async throws -> Value {
        var configuration = try Broker.configuration(settings)
        if let largest { (configuration.maximumBodySize, configuration.roomForLarge) = (largest, largest) }
        let (consuming, consumingEvents) = try Broker.connection(
            configuration, role: "kept", mode: .check, console: console, topology: [.queue(name: name)])
        let (publishing, publishingEvents) = try Broker.connection(
            try Broker.configuration(settings), role: "publish", mode: .check, console: console, topology: items)
        let queue = KeptQueue(name: name, consuming: consuming, publishing: publishing, console: console)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await consuming.run() }
            group.addTask { await publishing.run() }
            let result: Result<Value, any Error>
            do {
                try await Broker.wait(for: consuming, consumingEvents)
                try await Broker.wait(for: publishing, publishingEvents)
                result = .success(try await body(queue))
            } catch {
                result = .failure(error)
            }
            await consuming.close()
            await publishing.close()
            let late = consuming.status.lateAcks
            if late > 0 { console.complain("\(late) messages could not be removed from \(name) and are still there") }
            return try result.get()
        }
    }
}

extension Deliveries {
    /// The next delivery; `nil` if none comes in this time.
    fileprivate func next(within limit: Duration) async -> Delivery? {
        await withTaskGroup(of: Delivery?.self) { group in
            group.addTask {
                var iterator = self.makeAsyncIterator()
                return await iterator.next()
            }
            group.addTask {
                // A limit, not a wait: a delivery cancels it.
                try? await Task.sleep(for: limit)
                return nil
            }
            var delivery: Delivery?
            // Cancelling a task that has just taken a delivery does not lose the delivery.
            for await result in group {
                delivery = delivery ?? result
                group.cancelAll()
            }
            return delivery
        }
    }
}
