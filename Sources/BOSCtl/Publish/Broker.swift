import AMQP
import Daemon
import JobEngine
import Logging
import Synchronization

/// The connections of one command: one to publish, and one to consume replies if they are waited for.
///
/// Two, because a broker that is short of memory stops reading from connections that publish.
struct Broker: Sendable {
    let publishing: Connection
    let replying: Connection?
    /// The routing key of the replies: a queue of this command alone that ends with it.
    let replyQueue: String?
    private let publishingEvents: AsyncStream<ConnectionEvent>
    private let replyingEvents: AsyncStream<ConnectionEvent>

    /// Nothing is connected before ``run()``.
    init(_ settings: Settings, wantsReplies: Bool, console: Console) throws(BrokerError) {
        let configuration = try Self.configuration(settings)
        let exchanges = settings.topology.exchanges
        // What is there is only checked: declaring the topology is the worker's.
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

    /// To publish replies of a ledger, in the virtual host that is marked as the ledger's and in no other.
    init(_ settings: Settings, ledger identity: String, console: Console) throws(BrokerError) {
        (publishing, publishingEvents) = try Self.connection(
            Self.configuration(settings), role: "publish", mode: .check, console: console,
            topology: settings.topology.replyItems(ledger: identity))
        (replying, replyQueue, replyingEvents) = (nil, nil, AsyncStream { $0.finish() })
    }

    private static func configuration(_ settings: Settings) throws(BrokerError) -> AMQPConfiguration {
        do throws(AMQPURLError) { return try settings.brokerConfiguration() } catch { throw .url(error) }
    }

    /// Serves the connections until ``close()``.
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

    /// Returns once everything is connected.
    /// - Throws: why not, after each broker was tried once. Later losses are mended without a word to the caller.
    func whenConnected() async throws(BrokerError) {
        try await Self.wait(for: publishing, publishingEvents)
        if let replying { try await Self.wait(for: replying, replyingEvents) }
    }

    private static func wait(for connection: Connection, _ events: AsyncStream<ConnectionEvent>) async throws(BrokerError) {
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

    private static func connection(
        _ configuration: AMQPConfiguration, role: String, mode: TopologyMode, console: Console, topology: [TopologyItem]
    ) throws(BrokerError) -> (Connection, AsyncStream<ConnectionEvent>) {
        let (events, continuation) = AsyncStream.makeStream(of: ConnectionEvent.self, bufferingPolicy: .bufferingNewest(16))
        do {
            let connection = try Connection(
                configuration: configuration, role: role, topology: TopologyPlan(topology, mode: mode),
                logger: Logger(label: "bosctl", factory: { _ in SwiftLogNoOpLogHandler() }),
                onEvent: { event in
                    continuation.yield(event)
                    if case .disconnected(let error) = event { console.complain("\(error); connecting again") }
                    if case .blocked(let reason) = event { console.complain("the broker takes no messages for now: \(reason)") }
                })
            return (connection, events)
        } catch {
            throw .thread("\(error)")
        }
    }
}
