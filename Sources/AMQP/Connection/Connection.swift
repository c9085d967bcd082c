package import DedicatedThread
private import Glibc
package import Logging
private import Synchronization

/// A lasting connection to RabbitMQ: it logs in, declares its topology, serves consumers and publishers, and reconnects after every loss.
///
/// The connection is an actor on its own thread, because librabbitmq may be used from one thread only. It never blocks the
/// cooperative pool. Use one connection to consume and another to publish: a broker that is short of memory or disk stops reading
/// from connections that publish, and acks on such a connection would be stuck too.
///
/// Create it, call `run()` in a task of its own, and call `close()` at the end, which ends the thread.
package actor Connection {
    package nonisolated let configuration: AMQPConfiguration
    /// The purpose of this connection as operators see it: `consume`, `publish`.
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
    /// The source of random numbers for the jitter of the pauses.
    var generator: any RandomNumberGenerator = SystemRandomNumberGenerator()

    var session: Session?
    var consumers: [Deliveries] = []
    var waits: [Pending] = []
    var sessions: UInt64 = 0
    /// The problems that inspections have found and not reported yet, by the label of the topology item.
    var findings: [String: String] = [:]
    /// The problems that are in the log already.
    var loggedFindings: [String: String] = [:]
    private nonisolated let statusBox = Mutex(ConnectionStatus())

    /// A wait of `run()`. The thread checks it after every turn.
    struct Pending {
        let deadline: ContinuousClock.Instant?
        let isOver: () -> Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    /// Starts the connection's thread. Nothing is connected before `run()`.
    ///
    /// - Parameters:
    ///   - role: the purpose of the connection, for the broker's list of connections and the log.
    ///   - topology: declared or checked on each new session before anything else.
    ///   - affinity: ties the connection to another one, which must be on the same virtual host of the same cluster.
    ///   - onEvent: called on the connection's thread, so it must not block.
    /// - Throws: `DedicatedThreadError` when the system has no descriptor or thread left.
    package init(
        configuration: AMQPConfiguration, role: String, topology: TopologyPlan = [],
        affinity: (ClusterAffinity, side: ClusterAffinity.Side)? = nil, logger: Logger,
        onEvent: @escaping @Sendable (ConnectionEvent) -> Void = { _ in }
    ) throws(DedicatedThreadError) {
        Self.ignoreBrokenPipes
        // The library recurses over nested arrays without a limit; a frame of 1 MiB can nest them 210,000 deep, at 200 bytes each.
        thread = try DedicatedThread(name: "amqp-\(role)", stackSize: 96 << 20)
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

    /// The state of the connection now.
    package nonisolated var status: ConnectionStatus {
        var status = statusBox.withLock { $0 }
        status.lateAcks = mailbox.lateSettlements
        return status
    }

    /// Returns once a session is ready and its topology is declared.
    ///
    /// - Throws: `CancellationError` when the task is cancelled or the connection is closed first.
    package nonisolated func whenConnected() async throws(CancellationError) {
        guard await mailbox.whenReady() else { throw CancellationError() }
    }

    /// Publishes a message and returns when the broker has confirmed it. If message and queue are durable, it is then on disk.
    ///
    /// Any number of publishes may run at once. While the broker blocks the connection, a publish waits. Cancelling the task does not
    /// end a publish, because a written message cannot be recalled; `close()` ends it.
    ///
    /// - Parameters:
    ///   - mandatory: whether it is an error that no queue is bound for the message. Otherwise the broker confirms and drops it.
    ///   - timeout: how long to wait for the confirm, exact to a quarter of the heartbeat. After it, a message that was written is
    ///     `outcomeUnknown`, and one that was not is `notSent`. `nil`: as long as the session lasts.
    /// - Throws: what happened to the message instead, see `PublishError`.
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

    /// Consumes a queue on a channel of its own, in this session and in all later ones.
    ///
    /// - Parameters:
    ///   - prefetch: how many deliveries may be unsettled at once, including those that no task has taken yet. A lost session counts
    ///     as a failed delivery for all of them, so the prefetch should be little more than what really runs.
    ///   - isSole: whether to consume only while the queue has no other consumer. AMQP's exclusive consumers do not ensure this:
    ///     RabbitMQ 3.10 honours them for classic queues alone.
    package nonisolated func consume(queue: String, prefetch: UInt16, isSole: Bool = false) -> Deliveries {
        let deliveries = Deliveries(queue: queue, prefetch: max(1, prefetch), isSole: isSole, thread: thread)
        mailbox.post(deliveries)
        return deliveries
    }

    /// The number of ready messages in a queue and of its consumers. The broker does not count messages that are delivered and unsettled.
    ///
    /// - Throws: `SessionError.noSuchQueue`, or why the request could not be sent or was not answered. A missing queue does not affect
    ///   the session.
    package nonisolated func depth(of queue: String) async throws(SessionError) -> (messages: UInt32, consumers: UInt32) {
        guard case .queue(let messages, let consumers) = try await run(.depth(queue: queue)) else {
            throw .protocolViolation("a reply that does not fit the request")
        }
        return (messages, consumers)
    }

    /// Checks whether the topology still exists. In mode `declare` the connection declares what is missing. The session ends when an
    /// exclusive queue or a marker cannot be had any more.
    ///
    /// - Returns: one sentence for each item that was missing or different since the last call, repaired or not. Missing bindings are
    ///   declared again without a sentence, because the broker does not show them.
    /// - Throws: why the request could not be sent or was not answered.
    package nonisolated func inspectTopology() async throws(SessionError) -> [String] {
        guard case .findings(let findings) = try await run(.topologyInspection) else {
            throw .protocolViolation("a reply that does not fit the request")
        }
        return findings
    }

    /// Deletes a queue and its messages.
    package nonisolated func delete(queue: String) async throws(SessionError) {
        _ = try await run(.deleteQueue(queue))
    }

    /// Deletes an exchange.
    package nonisolated func delete(exchange: String) async throws(SessionError) {
        _ = try await run(.deleteExchange(exchange))
    }

    private nonisolated func run(_ kind: ManagementRequest.Kind) async throws(SessionError) -> BrokerReply {
        let result: Result<BrokerReply, SessionError> = await withCheckedContinuation { continuation in
            mailbox.post(ManagementRequest(kind, continuation: continuation))
        }
        return try result.get()
    }

    /// Closes the connection gracefully: writes the settlements, waits for outstanding confirms, closes channels and connection, and
    /// ends the thread. Each step has the time limit of a request. Every caller that still waits gets an answer.
    package nonisolated func close() async {
        mailbox.stop()
        await mailbox.whenClosed()
        mailbox.close()
        thread.stop()
    }

    /// Replaces the items of the topology. Call it before `run()`.
    package func setTopology(_ items: [TopologyItem]) { topology.items = items }

    // MARK: State

    nonisolated func updateStatus(_ change: (inout ConnectionStatus) -> Void) {
        statusBox.withLock { change(&$0) }
    }

    /// Ignores SIGPIPE, whose default action ends the process. The library asks the kernel not to raise it; other code may not.
    private static let ignoreBrokenPipes: Void = { _ = signal(SIGPIPE, SIG_IGN) }()
}
