import AMQP
import JobModel
package import Ledger
package import Logging
import Synchronization

/// Publishes the replies that the ledger owes, and tells the ledger which of them the broker has confirmed.
///
/// A reply is owed from the moment it is stored. Losing the broker, or the process, only makes it late: whatever was not marked
/// as published is published again, under the same `message_id`.
///
/// Each reply has one who publishes it: whoever has stored it. A sweep publishes what was left: by a process before this one, by an attempt
/// that was not confirmed, or by another process a minute ago.
package final class Outbox: Sendable {
    private struct State {
        /// Replies on their way, up to their mark in the ledger.
        var inFlight: Set<OutgoingReply.ID> = []
        /// Confirmed, not yet marked in the ledger.
        var confirmed: [OutgoingReply.ID] = []
        /// Not confirmed: the next sweep's.
        var unconfirmed: Set<OutgoingReply.ID> = []
        /// Up to this one whoever stored a reply has had the time to publish it: what is owed still is the next sweep's.
        var left: OutgoingReply.ID = 0

        func isLeft(_ id: OutgoingReply.ID) -> Bool { (id <= left || unconfirmed.contains(id)) && !inFlight.contains(id) }
    }

    private let publisher: any MessagePublisher
    private let ledger: any Ledger
    private let exchanges: EngineConfiguration.Exchanges
    private let confirmTimeout: Duration
    private let clock: any EngineClock
    private let metrics: EngineMetrics
    private let logger: Logger
    private let state = Mutex(State())
    private let confirmations: AsyncStream<Void>
    private let confirmed: AsyncStream<Void>.Continuation
    private let debts: AsyncStream<Void>
    private let owed: AsyncStream<Void>.Continuation

    package init(
        publisher: any MessagePublisher, ledger: any Ledger, configuration: EngineConfiguration, clock: any EngineClock,
        metrics: EngineMetrics, logger: Logger
    ) {
        self.publisher = publisher
        self.ledger = ledger
        exchanges = configuration.exchanges
        confirmTimeout = configuration.confirmTimeout
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
        (confirmations, confirmed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (debts, owed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Leaves to the first sweep what a process before this one has left owed. To be called before any reply is stored.
    package func takeStock() async {
        guard let last = await lastOwed() else { return }
        state.withLock { $0.left = last }
        owed.yield()
    }

    /// Publishes replies just stored. Returns when each is confirmed or cannot be now; what is not remains owed.
    package func deliver(new replies: [OutgoingReply]) async {
        await all(replies) { await self.deliver($0) }
    }

    /// Publishes replies for one who asks, whether they were published before or not.
    /// - Returns: `false` if one of them was not confirmed: what was published before is not owed, so that only the asker can bring it back.
    func deliver(repeated replies: [OutgoingReply]) async -> Bool {
        let missed = Atomic(false)
        await all(replies) { reply in
            switch await self.publish(reply) {
            case .confirmed: self.noteConfirmed(reply)
            case .unconfirmed: missed.store(true, ordering: .relaxed)
            // No other attempt would end otherwise.
            case .impossible: break
            }
        }
        return !missed.load(ordering: .relaxed)
    }

    private func all(_ replies: [OutgoingReply], _ body: @escaping @Sendable (OutgoingReply) async -> Void) async {
        guard replies.count > 1 else {
            for reply in replies { await body(reply) }
            return
        }
        await withDiscardingTaskGroup { group in
            for reply in replies { group.addTask { await body(reply) } }
        }
    }

    /// What became of a message.
    enum Publication {
        case confirmed
        /// Not now; to try again may help.
        case unconfirmed
        /// It cannot be put on the wire, however often that is tried.
        case impossible
    }

    /// Publishes a message that the ledger does not know of.
    func publish(_ message: Message, to address: ReplyAddress) async -> Publication {
        do {
            try await publisher.publish(
                message, exchange: address.exchange, routingKey: address.routingKey, mandatory: address.isMandatory,
                timeout: confirmTimeout)
            return .confirmed
        } catch {
            switch error {
            case .returned: return await publishUnrouted(message, instead: address, error)
            case .invalid:
                logger.error("a message cannot be published as it is", metadata: ["error": "\(error)"])
                return .impossible
            case .notSent, .refused, .outcomeUnknown:
                // The connection says that the broker is gone, once; here it would be said for every message.
                logger.debug("a message was not confirmed", metadata: ["error": "\(error)"])
                return .unconfirmed
            }
        }
    }

    /// Publishes what is owed and was left, as soon as the broker is there. Ends when cancelled, or after ``finish()``.
    package func runSweeping() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.patrol() }
            for await _ in debts {
                await sweep()
                await clock.sleep(for: .milliseconds(500) * (0.5 + clock.jitter()))
            }
            group.cancelAll()
        }
    }

    /// Publishes once what is left by now.
    func sweep() async {
        guard (try? await publisher.whenConnected()) != nil else { return }
        // Taken before the ledger is read: what is confirmed and marked in between would still be read as owed.
        let before = state.withLock { state in
            defer { state.unconfirmed = [] }
            return state
        }
        do throws(LedgerError) {
            try await forEachOwed { replies in
                await self.all(replies.filter { before.isLeft($0.id) }) { await self.deliver($0) }
            }
        } catch {
            tellUnread(error)
            state.withLock { $0.unconfirmed.formUnion(before.unconfirmed) }
            owed.yield()
        }
    }

    /// Leaves to the sweep, once a minute, what was owed a minute before: a person's command may have been interrupted between storing a
    /// reply and publishing it.
    private func patrol() async {
        var known: OutgoingReply.ID = 0
        while !Task.isCancelled {
            await clock.sleep(for: Self.patrolInterval)
            state.withLock { $0.left = max($0.left, known) }
            owed.yield()
            known = await lastOwed() ?? known
        }
    }

    private static let patrolInterval = Duration.seconds(60)

    /// The last reply that is owed, 0 if none is; `nil` if that could not be seen.
    private func lastOwed() async -> OutgoingReply.ID? {
        var last: OutgoingReply.ID = 0
        do throws(LedgerError) {
            try await forEachOwed { replies in last = replies.last?.id ?? last }
            return last
        } catch {
            tellUnread(error)
            return nil
        }
    }

    /// All that is owed, the oldest first, some at a time.
    private func forEachOwed(_ body: ([OutgoingReply]) async -> Void) async throws(LedgerError) {
        var last: OutgoingReply.ID = 0
        while !Task.isCancelled {
            let replies = try await ledger.unpublishedReplies(after: last, limit: 100)
            guard let end = replies.last else { return }
            await body(replies)
            last = end.id
        }
    }

    private func tellUnread(_ error: LedgerError) {
        logger.warning("replies that are owed could not be read", metadata: ["error": "\(error)"])
    }

    /// Marks confirmed replies in the ledger, many at a time. Ends after ``finish()``, when the last is marked.
    package func runMarking() async {
        var wasMarked = true
        for await _ in confirmations {
            // A mark is in no hurry, and a ledger that commits many at once has more time for those who wait for it.
            await clock.sleep(for: wasMarked ? Self.markInterval : Self.markRetryInterval)
            wasMarked = await mark(isRetry: !wasMarked)
            if !wasMarked { confirmed.yield() }
        }
        await mark(isRetry: !wasMarked)
    }

    private static let markInterval = Duration.milliseconds(50)
    private static let markRetryInterval = Duration.seconds(1)

    /// Nothing more will be delivered.
    package func finish() {
        confirmed.finish()
        owed.finish()
    }

    private func deliver(_ reply: OutgoingReply) async {
        state.withLock { _ = $0.inFlight.insert(reply.id) }
        switch await publish(reply) {
        case .confirmed:
            noteConfirmed(reply)
            metrics.ended(reply, at: clock.now())
        case .unconfirmed:
            state.withLock { state in
                state.inFlight.remove(reply.id)
                state.unconfirmed.insert(reply.id)
            }
            owed.yield()
        // It stays owed; a sweep tries it, and says so, once a minute.
        case .impossible: state.withLock { _ = $0.inFlight.remove(reply.id) }
        }
    }

    private func publish(_ reply: OutgoingReply) async -> Publication {
        await publish(Message(reply), to: ReplyAddress(reply, exchanges))
    }

    private func noteConfirmed(_ reply: OutgoingReply) {
        state.withLock { state in
            state.inFlight.insert(reply.id)
            state.confirmed.append(reply.id)
        }
        confirmed.yield()
        metrics.published(reply.kind)
    }

    /// Nobody listens at the address: the reply is kept where all replies without a listener are kept.
    private func publishUnrouted(_ message: Message, instead address: ReplyAddress, _ error: PublishError) async -> Publication {
        metrics.unroutedReply()
        logger.warning("a reply had no listener and goes to the unrouted queue", metadata: ["error": "\(error)"])
        do {
            try await publisher.publish(
                message, exchange: exchanges.unrouted, routingKey: address.routingKey, mandatory: true, timeout: confirmTimeout)
            return .confirmed
        } catch {
            logger.error("a reply could not be kept in the unrouted queue", metadata: ["error": "\(error)"])
            return .unconfirmed
        }
    }

    /// - Returns: whether all that was confirmed is marked.
    @discardableResult
    private func mark(isRetry: Bool) async -> Bool {
        let ids = state.withLock { $0.confirmed }
        guard !ids.isEmpty else { return true }
        do {
            try await ledger.markPublished(ids)
        } catch {
            // Not marked means published once more after the next start, under the same message_id: allowed.
            guard !isRetry else { return false }
            logger.warning("published replies could not be marked", metadata: ["error": "\(error)", "count": "\(ids.count)"])
            return false
        }
        state.withLock { state in
            state.confirmed.removeFirst(ids.count)
            state.inFlight.subtract(ids)
        }
        return true
    }
}
