import AMQP
import Daemon
import JobEngine
import Logging

/// The connections of one command: one publishes, and one consumes replies if the command waits for them.
///
/// They are two, because a broker that is short of memory stops reading from connections that publish.
struct Broker: Sendable {
    let publishing: Connection
    let replying: Connection?
    /// The exclusive queue for the replies, which is also their routing key. The broker deletes it when the command ends.
    let replyQueue: String?
    private let publishingEvents: AsyncStream<ConnectionEvent>
    private let replyingEvents: AsyncStream<ConnectionEvent>

    /// For publishing jobs. Nothing connects before ``run()``.
    /// - Parameter wantsReplies: whether a second connection consumes replies.
    init(_ settings: Settings, wantsReplies: Bool, console: Console) throws(BrokerError) {
        let configuration = try Self.configuration(settings)
        let exchanges = settings.topology.exchanges
        // The exchanges are only checked: the worker declares the topology.
        (publishing, publishingEvents) = try Self.connection(
            configuration, role: "publish", mode: .check, console: console,
            topology: [
                .exchange(name: exchanges.jobs, kind: "direct"), .exchange(name: exchanges.replies, kind: "topic"),
            ])
        guard wantsReplies else {
            (replying, replyQueue, replyingEvents) = (nil, nil, AsyncStream { $0.finish() })
            return
        }
        let queue = "bosctl.replies.\(String(UInt64.random(in: .min ... .max), radix: 36))"
        replyQueue = queue
        (replying, replyingEvents) = try Self.connection(
            configuration, role: "replies", mode: .declare, console: console,
            topology: [.exclusiveQueue(name: queue), .binding(queue: queue, exchange: exchanges.replies, routingKey: queue)])
    }

    /// For publishing replies of a ledger. Connects only to a virtual host that is marked with this ledger's name.
    /// - Parameter identity: the name of the ledger.
    init(_ settings: Settings, ledger identity: String, console: Console) throws(BrokerError) {
        (publishing, publishingEvents) = try Self.connection(
            Self.configuration(settings), role: "publish", mode: .check, console: console,
            topology: settings.topology.replyItems(ledger: identity))
        (replying, replyQueue, replyingEvents) = (nil, nil, AsyncStream { $0.finish() })
    }

    /// For looking at the broker. It declares nothing by itself.
    /// - Parameter url: the only URL that is tried; `nil`: all of `amqp.urls`.
    init(inspecting settings: Settings, at url: AMQPURL? = nil, console: Console) throws(BrokerError) {
        var configuration = try Self.configuration(settings)
        if let url { configuration.urls = [url] }
        (publishing, publishingEvents) = try Self.connection(configuration, role: "inspect", mode: .check, console: console, topology: [])
        (replying, replyQueue, replyingEvents) = (nil, nil, AsyncStream { $0.finish() })
    }

    /// Runs the connections while `body` works, and closes them afterwards.
    /// - Throws: ``BrokerError/unreachable(_:)`` if there is no connection, or what `body` throws.
    func inspecting<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await run() }
            let result: Result<Value, any Error>
            do {
                try await whenConnected()
                result = .success(try await body())
            } catch {
                result = .failure(error)
            }
            await close()
            return try result.get()
        }
    }

    static func configuration(_ settings: Settings) throws(BrokerError) -> AMQPConfiguration {
        do throws(AMQPURLError) { return try settings.brokerConfiguration() } catch { throw .url(error) }
    }

    /// Runs the connections until ``close()``.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await publishing.run() }
            if let replying { group.addTask { await replying.run() } }
        }
    }

    func close() async {
        await replying?.close()
        await publishing.close()
    }

    /// Returns once all connections are ready. A connection that is lost later reconnects by itself.
    /// - Throws: ``BrokerError/unreachable(_:)`` after each URL has failed once.
    func whenConnected() async throws(BrokerError) {
        try await Self.wait(for: publishing, publishingEvents)
        if let replying { try await Self.wait(for: replying, replyingEvents) }
    }

    /// Returns once the connection is ready.
    /// - Throws: ``BrokerError/unreachable(_:)`` after each URL has failed once.
    static func wait(for connection: Connection, _ events: AsyncStream<ConnectionEvent>) async throws(BrokerError) {
        var failures = 0
        for await event in events {
            switch event {
            case .connected: return
            case .setupFailed(let error):
                failures += 1
                guard failures < connection.configuration.urls.count else { throw .unreachable(error) }
            case .stopped: throw .unreachable(.noSession(reason: "it was closed"))
            case .disconnected, .blocked, .unblocked, .consuming, .consumerLost: continue
            }
        }
    }

    /// A connection of this command, and the events of its sessions. Nothing connects before it runs.
    static func connection(
        _ configuration: AMQPConfiguration, role: String, mode: TopologyMode, console: Console, topology: [TopologyItem]
    ) throws(BrokerError) -> (Connection, AsyncStream<ConnectionEvent>) {
        let (events, continuation) = AsyncStream.makeStream(of: ConnectionEvent.self, bufferingPolicy: .bufferingNewest(16))
        do {
            let connection = try Connection(
                configuration: configuration, role: role, topology: TopologyPlan(topology, mode: mode),
                logger: Logger(label: "bosctl", factory: { _ in SwiftLogNoOpLogHandler() }),
                onEvent: { event in
                    continuation.yield(event)
                    if case .disconnected(let error) = event { console.complain("\(error); reconnecting") }
                    if case .blocked(let reason) = event { console.complain("the broker accepts no messages now: \(reason)") }
                })
            return (connection, events)
        } catch {
            throw .thread("\(error)")
        }
    }
}

/// Why a command could not publish. Its description is a sentence for the operator.
enum BrokerError: Error, CustomStringConvertible {
    case url(AMQPURLError)
    case thread(String)
    case unreachable(SessionError)
    /// No queue is bound to the job exchange for this kind of job.
    case unrouted(exchange: String, routingKey: String)
    /// The message is invalid, the broker refused it for good, or every attempt failed.
    case notPublished(reference: String, PublishError)

    var description: String {
        switch self {
        case .url(let error): "amqp.urls: \(error)"
        case .thread(let reason): "no thread could be started for the connection: \(reason)"
        case .unreachable(.topologyMissing(let object)):
            "the \(object) does not exist on the broker. Start bos-worker once: it declares all that is needed"
        case .unreachable(.markedOtherwise(let queue, let text)):
            "the broker's virtual host belongs to another ledger (the queue \(queue) records it: \(text)). Nothing is published there. "
                + "amqp.urls and ledger.url must be those of one worker"
        case .unreachable(let error): "\(error)"
        case .unrouted(let exchange, let key):
            "no queue is bound to the exchange \(exchange) for \(key), so the broker did not accept the job. Start bos-worker once: it declares all that is needed"
        case .notPublished(let reference, let error): "the job \(reference) was not published: \(error)"
        }
    }
}
