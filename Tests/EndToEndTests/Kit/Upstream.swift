import AMQP
import ExactJSON
import Foundation
import JobModel
import Logging
import Synchronization

/// A service that publishes jobs and keeps every reply. It survives the end of the broker, as such services have to.
final class Upstream: Sendable {
    struct Received: Sendable, Equatable {
        let messageID: String
        let body: [UInt8]
        let isFinal: Bool
        let outcome: String

        /// A number of the reply, such as `attempts`; -1 if the reply has no such number.
        func count(of name: String) -> Int { (try? JSONValue.parse(body))?[name]?.text.flatMap { Int($0) } ?? -1 }
    }

    private struct State {
        var replies: [String: [Received]] = [:]
        var finals: Set<String> = []
        var waiters: [(count: Int, arrived: AsyncStream<Void>.Continuation)] = []
    }

    /// The `reply_to` of its jobs.
    let address: String
    private let exchange: String
    private let publishing: Connection
    private let replying: Connection
    private let state = Mutex(State())

    /// - Parameter keepsUnrouted: the exchange of replies has an alternate exchange.
    init(url: String, names: Names, keepsUnrouted: Bool = true) throws {
        address = names.replyQueue
        exchange = names.jobs
        let configuration = AMQPConfiguration(urls: [try AMQPURL(url)])
        let logger = Logger(label: "upstream", factory: { _ in SwiftLogNoOpLogHandler() })
        publishing = try Connection(configuration: configuration, role: "upstream-publish", logger: logger)
        // The queue is durable: a reply must survive the end of the broker, as a job must.
        replying = try Connection(
            configuration: configuration, role: "upstream-replies",
            topology: [
                .queue(name: names.replyQueue),
                .exchange(name: names.unrouted, kind: "fanout"),
                .exchange(
                    name: names.replies, kind: "topic",
                    arguments: keepsUnrouted ? ["alternate-exchange": .string(names.unrouted)] : [:]),
                .binding(queue: names.replyQueue, exchange: names.replies, routingKey: names.replyQueue),
            ], logger: logger)
    }

    /// Runs its connections and keeps replies until ``close()``.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { [publishing] in await publishing.run() }
            group.addTask { [replying] in await replying.run() }
            group.addTask { [self] in
                for await delivery in replying.consume(queue: address, prefetch: 200) {
                    take(delivery.message)
                    delivery.ack()
                }
            }
        }
    }

    func close() async {
        await publishing.close()
        await replying.close()
    }

    func whenConnected() async throws {
        try await replying.whenConnected()
        try await publishing.whenConnected()
    }

    /// Publishes a job until the broker has confirmed it. The broker may get it twice, and the worker has to cope with that.
    /// - Parameters:
    ///   - name: its `correlation_id`.
    ///   - kind: its routing key.
    ///   - replyTo: the address of the reply; `nil` for this upstream's own.
    func publish(
        _ body: [UInt8], as name: String?, kind: String = "recharge", type: String? = nil, replyTo: String? = nil, encoding: String? = nil
    ) async throws {
        var message = Message(body: body)
        message.properties.contentType = "application/json"
        message.properties.correlationID = name
        message.properties.replyTo = replyTo ?? address
        message.properties.type = type
        message.properties.contentEncoding = encoding
        while true {
            do throws(PublishError) {
                return try await publishing.publish(message, exchange: exchange, routingKey: kind, mandatory: true)
            } catch {
                switch error {
                case .invalid, .turnedDown: throw error
                case .returned, .refused, .notSent, .notAsked, .outcomeUnknown: try await publishing.whenConnected()
                }
            }
        }
    }

    /// Publishes recharges of one rupee at the same time, each with its reference as correlation id.
    func publishRecharges(_ references: [String], subscriber: String = System.subscriber) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for reference in references {
                group.addTask { try await self.publish(Self.recharge(reference, subscriber: subscriber), as: reference) }
            }
        }
    }

    static func recharge(_ reference: String, amount: String = "1", subscriber: String = System.subscriber) -> [UInt8] {
        JSONValue.object([
            .init("operator", .number("311")), .init("canumber", .string(subscriber)), .init("amount", .number(amount)),
            .init("referenceid", .string(reference)),
        ]).encoded
    }

    /// A recharge of one rupee with `expires_at`.
    static func recharge(_ reference: String, expiresAt deadline: Date) -> [UInt8] {
        guard case .object(let members)? = try? JSONValue.parse(recharge(reference)) else { return [] }
        let text = Timestamp(milliseconds: Int64(deadline.timeIntervalSince1970 * 1_000)).rfc3339
        return JSONValue.object(members + [.init("expires_at", .string(text))]).encoded
    }

    // MARK: Replies

    /// All replies by correlation id, in the order of arrival.
    var replies: [String: [Received]] { state.withLock { $0.replies } }

    /// How many jobs have a final reply.
    var finalCount: Int { state.withLock { $0.finals.count } }

    /// Waits until this many jobs have a final reply.
    /// - Throws: `CancellationError` when the test's time is up.
    func waitForFinals(_ count: Int) async throws(CancellationError) {
        let (arrival, arrived) = AsyncStream.makeStream(of: Void.self)
        let isThere = state.withLock { state in
            if state.finals.count < count { state.waiters.append((count, arrived)) }
            return state.finals.count >= count
        }
        if isThere { return }
        for await _ in arrival {}
        guard finalCount >= count else { throw CancellationError() }
    }

    /// How many ready messages a queue has. The queue itself is asked, because `rabbitmqctl` shows numbers of a quorum queue that are
    /// seconds old.
    func depth(of queue: String) async throws -> Int {
        try await replying.whenConnected()
        return Int(try await replying.depth(of: queue).messages)
    }

    /// How many consumers a queue has.
    func consumers(of queue: String) async throws -> Int {
        try await replying.whenConnected()
        return Int(try await replying.depth(of: queue).consumers)
    }

    /// Whether the queue exists and is exclusive to another connection.
    func isHeldByAnother(_ queue: String) async throws -> Bool {
        try await replying.whenConnected()
        do throws(SessionError) {
            _ = try await replying.depth(of: queue)
            return false
        } catch {
            if case .closedByBroker(405, _) = error { return true }
            throw error
        }
    }

    /// Takes this many messages out of a queue, in their order.
    func messages(_ count: Int, of queue: String) async -> [Message] {
        var taken: [Message] = []
        for await delivery in replying.consume(queue: queue, prefetch: 100) {
            taken.append(delivery.message)
            delivery.ack()
            if taken.count == count { break }
        }
        return taken
    }

    private func take(_ message: Message) {
        let json = try? JSONValue.parse(message.body)
        let name = message.properties.correlationID ?? ""
        let received = Received(
            messageID: message.properties.messageID ?? "", body: message.body, isFinal: json?["final"] == .bool(true),
            outcome: json?["outcome"]?.text ?? "")
        let ready = state.withLock { state in
            state.replies[name, default: []].append(received)
            if received.isFinal { state.finals.insert(name) }
            let count = state.finals.count
            defer { state.waiters.removeAll { $0.count <= count } }
            return state.waiters.filter { $0.count <= count }
        }
        for waiter in ready { waiter.arrived.finish() }
    }
}
