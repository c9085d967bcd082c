internal import CRabbitMQ

/// One consumer in one session. It brings about the desired state of its `Deliveries`. It runs on the connection's thread alone.
final class Subscription {
    private enum Phase {
        /// There is no channel, or the broker has closed it.
        case closed
        /// The channel is being opened, or its prefetch is being set.
        case opening
        case idle
        case starting
        case consuming
        case cancelling
    }

    let deliveries: Deliveries
    private(set) var channel: Channel
    var unsettled = Unsettled()
    /// When to try again after the broker has ended the consumer.
    private(set) var retryAt: ContinuousClock.Instant?
    private var phase = Phase.closed
    /// The prefetch of the channel's next consumer.
    private var limit: UInt16 = 0
    private var failures = 0
    /// Makes the tag of each consumer unique: the broker adds the acks of an earlier consumer with the same tag to the prefetch of the next.
    private var starts = 0
    /// The deliveries of this turn.
    private var batch: [Delivery] = []
    private let mailbox: Mailbox
    private let pause: (Int) -> Duration

    /// - Parameter pause: returns how long to wait after this many failures in a row.
    init(_ deliveries: Deliveries, in session: Session, pause: @escaping (Int) -> Duration) throws(SessionError) {
        self.deliveries = deliveries
        self.pause = pause
        mailbox = session.mailbox
        channel = try session.newChannel()
        channel.subscription = self
    }

    /// Takes the next step towards the desired state. The thread calls this every turn.
    func advance(in session: Session, now: ContinuousClock.Instant) throws(SessionError) {
        if let retryAt, retryAt <= now { self.retryAt = nil }
        switch (phase, deliveries.desiredState) {
        case (.closed, .consuming) where retryAt == nil && !session.needsTopology && session.mayConsume: try openChannel(in: session)
        case (.idle, .consuming) where retryAt == nil && !session.needsTopology && session.mayConsume:
            guard limit == deliveries.desiredPrefetch else { return try setLimit(in: session) }
            if deliveries.isSole, unsettled.isEmpty { try startIfSole(in: session) } else { try start(in: session) }
        case (.consuming, .paused), (.consuming, .finished): try cancel(in: session)
        case (.consuming, .consuming) where limit != deliveries.desiredPrefetch: try cancel(in: session)
        case (.closed, .paused), (.closed, .finished), (.idle, .paused), (.idle, .finished):
            deliveries.resumeIdleWaiters(sessionIsGone: false)
        default: break
        }
    }

    /// Hands over the deliveries of this turn.
    func flush() {
        guard !batch.isEmpty else { return }
        deliveries.offer(batch)
        batch.removeAll(keepingCapacity: true)
    }

    func take(_ content: Content, tag: UInt64, isRedelivered: Bool, from session: Session) throws(SessionError) {
        try unsettled.delivered(tag)
        let reservation = content.reservation
        let (mailbox, number, session) = (mailbox, channel.number, session.number)
        batch.append(
            Delivery(
                message: content.message,
                route: Delivery.Route(exchange: content.exchange, routingKey: content.routingKey, queue: deliveries.queue),
                isRedelivered: isRedelivered, announcedSize: content.announcedSize, isTruncated: content.isTruncated,
                settle: { settlement in
                    // The reserved memory lives as long as the delivery.
                    withExtendedLifetime(reservation) { mailbox.post(settlement, of: tag, on: number, session: session) }
                }))
    }

    // MARK: Steps

    private func openChannel(in session: Session) throws(SessionError) {
        phase = .opening
        // A channel that has carried deliveries is not opened again: late settlements would reach new deliveries with the same numbers.
        if unsettled.hasBegun { try replaceChannel(in: session) }
        try session.open(channel) { [unowned self, unowned session] outcome in
            guard case .reply = outcome else { return }
            session.attempt { () throws(SessionError) in try setLimit(in: session) }
        }
    }

    private func replaceChannel(in session: Session) throws(SessionError) {
        channel.subscription = nil
        channel = try session.newChannel()
        channel.subscription = self
        unsettled = Unsettled()
    }

    private func setLimit(in session: Session) throws(SessionError) {
        phase = .opening
        limit = deliveries.desiredPrefetch
        let method = amqp_basic_qos_t(prefetch_size: 0, prefetch_count: limit, global: 0)
        try session.call(
            method, id: AMQP_BASIC_QOS_METHOD, on: channel, expecting: AMQP_BASIC_QOS_OK_METHOD,
            operation: "setting the prefetch of \(deliveries.queue)"
        ) { [unowned self] outcome in
            if case .reply = outcome { phase = .idle }
        }
    }

    /// Starts the consumer if the queue has no other.
    private func startIfSole(in session: Session) throws(SessionError) {
        phase = .starting
        let method = amqp_queue_declare_t(
            ticket: 0, queue: session.arena.bytes(deliveries.queue), passive: 1, durable: 0, exclusive: 0, auto_delete: 0, nowait: 0,
            arguments: amqp_table_t())
        try session.call(
            method, id: AMQP_QUEUE_DECLARE_METHOD, on: channel, expecting: AMQP_QUEUE_DECLARE_OK_METHOD,
            operation: "the consumers of \(deliveries.queue)"
        ) { [unowned self, unowned session] outcome in
            guard case .reply(.queue(_, let consumers)) = outcome else { return }
            guard consumers > 0 else { return session.attempt { () throws(SessionError) in try start(in: session) } }
            phase = .idle
            lose(reason: "another program consumes it (\(consumers) consumers), and takes messages from it", session: session)
        }
    }

    private func start(in session: Session) throws(SessionError) {
        phase = .starting
        starts += 1
        let method = amqp_basic_consume_t(
            ticket: 0, queue: session.arena.bytes(deliveries.queue), consumer_tag: session.arena.bytes(tag), no_local: 0, no_ack: 0,
            exclusive: 0,
            nowait: 0, arguments: amqp_table_t())
        try session.call(
            method, id: AMQP_BASIC_CONSUME_METHOD, on: channel, expecting: AMQP_BASIC_CONSUME_OK_METHOD,
            operation: "consuming \(deliveries.queue)"
        ) { [unowned self, unowned session] outcome in
            guard case .reply = outcome else { return }
            phase = .consuming
            failures = 0
            deliveries.begin(prefetch: limit)
            session.report(.consuming(queue: deliveries.queue))
        }
    }

    private func cancel(in session: Session) throws(SessionError) {
        phase = .cancelling
        let method = amqp_basic_cancel_t(consumer_tag: session.arena.bytes(tag), nowait: 0)
        try session.call(
            method, id: AMQP_BASIC_CANCEL_METHOD, on: channel, expecting: AMQP_BASIC_CANCEL_OK_METHOD,
            operation: "cancelling \(deliveries.queue)"
        ) { [unowned self] outcome in
            guard case .reply = outcome else { return }
            phase = .idle
            requeueUntaken()
        }
    }

    private var tag: String { "bos.\(channel.number).\(starts)" }

    /// Requeues the deliveries that no task has taken.
    private func requeueUntaken() {
        for delivery in deliveries.drainBuffer() + batch { delivery.requeue() }
        batch = []
    }

    // MARK: Events of the broker and the session

    /// The queue is gone, or it moves to another node of the cluster.
    func cancelledByBroker(session: Session) {
        requeueUntaken()
        phase = .idle
        lose(reason: "the broker cancelled the consumer", session: session)
    }

    func closedByBroker(reason: String, session: Session) {
        _ = deliveries.drainBuffer()
        batch = []
        phase = .closed
        lose(reason: reason, session: session)
    }

    private func lose(reason: String, session: Session) {
        failures += 1
        retryAt = ContinuousClock.now + pause(failures)
        session.needsTopology = true
        deliveries.note(trouble: reason)
        session.report(.consumerLost(queue: deliveries.queue, reason: reason))
    }

    /// Drops the deliveries that no task has taken. They belong to the broker again.
    func sessionEnded() {
        _ = deliveries.drainBuffer()
        batch = []
        deliveries.resumeIdleWaiters(sessionIsGone: true)
    }
}
