package import DedicatedThread
private import Glibc
package import Logging
private import Synchronization

/// A connection to RabbitMQ that stays: it logs in, declares its topology, serves its consumers and publishers, and begins anew after every loss.
///
/// An actor on its own thread, because librabbitmq may be used from one thread only; nothing blocks the cooperative pool. Use one connection to consume and
/// another to publish: a broker that is short of memory or disk stops reading from those that publish, and acks on them would be stuck too.
///
/// Make it, `run()` it in a task of its own, and `close()` it: that ends its thread.
package actor Connection {
    package nonisolated let configuration: AMQPConfiguration
    /// What this connection is for, as operators see it: `consume`, `publish`.
    package nonisolated let role: String
    package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    nonisolated let thread: DedicatedThread
    nonisolated let mailbox: Mailbox
    let budget: SizeBudget
    let quarantine = Quarantine()
    var topology: TopologyPlan
    let affinity: (ClusterAffinity, side: ClusterAffinity.Side)?
    let logger: Logger
    let onEvent: @Sendable (ConnectionEvent) -> Void
    /// The source of the jitter.
    var generator: any RandomNumberGenerator = SystemRandomNumberGenerator()

    var session: Session?
    var consumers: [Deliveries] = []
    var waits: [Pending] = []
    var sessions: UInt64 = 0
    /// What an inspection has found wrong and not told yet, by what it is about.
    var findings: [String: String] = [:]
    /// What the log has said of it.
    var loggedFindings: [String: String] = [:]
    private nonisolated let statusBox = Mutex(ConnectionStatus())

    /// Something `run()` waits for: checked after every turn.
    struct Pending {
        let deadline: ContinuousClock.Instant?
        let isOver: () -> Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    /// Starts the connection's thread; nothing is connected before `run()`.
    ///
    /// - Parameters:
    ///   - topology: declared, or checked, on each new session before anything else.
    ///   - affinity: ties it to another connection, which must be in the same virtual host of the same cluster.
    ///   - onEvent: called on the connection's thread, so it must not block.
    /// - Throws: `DedicatedThreadError` when the system has no thread left.
    package init(
        configuration: AMQPConfiguration, role: String, topology: TopologyPlan = [],
        affinity: (ClusterAffinity, side: ClusterAffinity.Side)? = nil, logger: Logger,
        onEvent: @escaping @Sendable (ConnectionEvent) -> Void = { _ in }
    ) throws(DedicatedThreadError) {
        Self.ignoreBrokenPipes
        // The library recurses over nested tables without a limit of its own; a frame of 128 KiB can nest them 26,000 deep.
        thread = try DedicatedThread(name: "amqp-\(role)", stackSize: 32 << 20)
        mailbox = Mailbox(thread: thread)
        self.configuration = configuration
        budget = SizeBudget(bytes: configuration.roomForLarge)
        self.role = role
        self.topology = topology
        self.affinity = affinity
        var logger = logger
        logger[metadataKey: "role"] = "\(role)"
        self.logger = logger
        self.onEvent = onEvent
        affinity?.0.register(thread)
    }

    // MARK: For callers on any thread

    /// What is known of the connection now.
    package nonisolated var status: ConnectionStatus {
        var status = statusBox.withLock { $0 }
        status.lateAcks = mailbox.lateSettlements
        return status
    }

    /// Returns once a session is ready, its topology declared.
    ///
    /// - Throws: `CancellationError` when the task is cancelled or the connection is closed first.
    package nonisolated func whenConnected() async throws(CancellationError) {
        guard await mailbox.whenReady() else { throw CancellationError() }
    }

    /// Publishes a message and returns when the broker has confirmed that it has it: on disk, if message and queue are durable.
    ///
    /// Any number may be under way at once. While the broker blocks the connection a publish waits. A task's cancellation does not cut it short, for what has
    /// left cannot be called back; `close()` ends it.
    ///
    /// - Parameters:
    ///   - mandatory: whether a message that no queue is bound for is an error. Without it the broker confirms and drops it.
    ///   - timeout: how long to wait for the confirm, to a quarter of the heartbeat; then what was written is `outcomeUnknown`, and
    ///     what was not is `notSent`. Without it as long as the session lasts.
    /// - Throws: what became of the message instead, see `PublishError`.
    package nonisolated func publish(
        _ message: Message, exchange: String, routingKey: String, mandatory: Bool = false, timeout: Duration? = nil
    ) async throws(PublishError) {
        guard exchange.utf8.count <= 255, routingKey.utf8.count <= 255 else {
            throw .invalid("its exchange or routing key is longer than 255 bytes")
        }
        let deadline = timeout.map { ContinuousClock.now + $0 }
        let error: PublishError? = await withCheckedContinuation { continuation in
            mailbox.post(
                Publish(
                    message, exchange: exchange, routingKey: routingKey, mandatory: mandatory, deadline: deadline,
                    continuation: continuation))
        }
        if let error { throw error }
    }

    /// Consumes a queue on a channel of its own, in this session and all later ones.
    ///
    /// - Parameters:
    ///   - prefetch: how many deliveries may be unsettled at once, those that no task has taken yet among them. A lost session counts as a failed
    ///     delivery for all of them, so it should be little more than what really runs.
    ///   - isSole: whether to consume only while the queue has no other consumer. An exclusive consumer is no such thing: RabbitMQ 3.10 heeds it for classic
    ///     queues alone.
    package nonisolated func consume(queue: String, prefetch: UInt16, isSole: Bool = false) -> Deliveries {
        let deliveries = Deliveries(queue: queue, prefetch: max(1, prefetch), isSole: isSole, thread: thread)
        mailbox.post(deliveries)
        return deliveries
    }

    /// How many messages are ready in a queue, and how many consumers it has. Messages that are delivered and not settled are not counted by the broker.
    ///
    /// - Throws: `SessionError.noSuchQueue`, or why the question could not be asked or was not answered. A missing queue does not hurt the session.
    package nonisolated func depth(of queue: String) async throws(SessionError) -> (messages: UInt32, consumers: UInt32) {
        guard case .queue(let messages, let consumers) = try await run(.depth(queue: queue)) else {
            throw .protocolViolation("an answer that does not fit the question")
        }
        return (messages, consumers)
    }

    /// Looks whether the topology is still there. What is missing is declared again, unless it is only to be checked. An exclusive queue or a marker that
    /// cannot be had again ends the session.
    ///
    /// - Returns: what was missing or different since the last call, mended or not; a sentence each. Missing bindings are made again and cannot be seen.
    /// - Throws: why the question could not be asked or was not answered.
    package nonisolated func inspectTopology() async throws(SessionError) -> [String] {
        guard case .findings(let findings) = try await run(.topologyInspection) else {
            throw .protocolViolation("an answer that does not fit the question")
        }
        return findings
    }

    /// Deletes a queue and what lies in it.
    package nonisolated func delete(queue: String) async throws(SessionError) {
        _ = try await run(.deleteQueue(queue))
    }

    package nonisolated func delete(exchange: String) async throws(SessionError) {
        _ = try await run(.deleteExchange(exchange))
    }

    private nonisolated func run(_ kind: ManagementRequest.Kind) async throws(SessionError) -> BrokerReply {
        let result: Result<BrokerReply, SessionError> = await withCheckedContinuation { continuation in
            mailbox.post(ManagementRequest(kind, continuation: continuation))
        }
        return try result.get()
    }

    /// Ends the connection in order: writes the settlements that were given, waits for confirms that are still to come, closes channels and connection, and
    /// ends the thread. Every step has the time limit of a request; who still waits for something is answered.
    package nonisolated func close() async {
        mailbox.stop()
        await mailbox.whenClosed()
        mailbox.close()
        thread.stop()
    }

    /// Replaces the topology. To be called before `run()`.
    package func setTopology(_ items: [TopologyItem]) { topology.items = items }

    // MARK: State

    nonisolated func updateStatus(_ change: (inout ConnectionStatus) -> Void) {
        statusBox.withLock { change(&$0) }
    }

    /// The library asks the kernel not to raise SIGPIPE; this is for whatever does not, since the default is to end the process.
    private static let ignoreBrokenPipes: Void = { _ = signal(SIGPIPE, SIG_IGN) }()
}
