import AMQP
import JobModel
package import Ledger
package import Logging
import Synchronization

/// Publishes the replies that the ledger owes, and tells the ledger which of them the broker has confirmed.
///
/// A reply is owed from the moment it is stored. Losing the broker, or the process, only makes it late: whatever was not marked
/// as published is published again, under the same `message_id`.
package final class Outbox: Sendable {
    private struct State {
        /// Replies on their way, up to their mark in the ledger, so that a sweep does not send them a second time.
        var inFlight: Set<OutgoingReply.ID> = []
        /// Confirmed, not yet marked in the ledger.
        var confirmed: [OutgoingReply.ID] = []
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
        // What a process before this one left behind.
        owed.yield()
    }

    /// Publishes replies just stored, but for those that a sweep has found before. Returns when each is confirmed or cannot be now; what is
    /// not remains owed.
    package func deliver(new replies: [OutgoingReply]) async {
        await deliver(replies.filter { !isOnItsWay($0) }, areRepeats: false)
    }

    /// Publishes replies for one who asks, whether they were published before or not. Returns as for new ones.
    package func deliver(repeated replies: [OutgoingReply]) async { await deliver(replies, areRepeats: true) }

    private func deliver(_ replies: [OutgoingReply], areRepeats: Bool) async {
        guard replies.count > 1 else {
            for reply in replies { await deliver(reply, isRepeat: areRepeats) }
            return
        }
        await withDiscardingTaskGroup { group in
            for reply in replies { group.addTask { await self.deliver(reply, isRepeat: areRepeats) } }
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

    /// Publishes again what could not be published, as soon as the broker is there. Ends when cancelled.
    package func runSweeping() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.patrol() }
            for await _ in debts {
                if await swept() == nil { owed.yield() }
                await clock.sleep(for: .milliseconds(500) * (0.5 + clock.jitter()))
            }
            group.cancelAll()
        }
    }

    /// Looks after what another process has stored and not published: a person's command that was interrupted.
    ///
    /// Only what was owed a round before is published: a reply that was stored a moment ago is about to be.
    private func patrol() async {
        var known: OutgoingReply.ID = 0
        while !Task.isCancelled {
            await clock.sleep(for: Self.patrolInterval)
            known = await swept(upTo: known) ?? 0
        }
    }

    private static let patrolInterval = Duration.seconds(60)

    /// Publishes what is owed, up to that reply.
    /// - Returns: the last reply that is in the ledger unpublished; `nil` if that could not be seen.
    private func swept(upTo last: OutgoingReply.ID = .max) async -> OutgoingReply.ID? {
        do {
            try await publisher.whenConnected()
            return try await sweep(upTo: last)
        } catch is CancellationError {
            return nil
        } catch {
            logger.warning("replies that are owed could not be read", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// Marks confirmed replies in the ledger, many at a time. Ends after ``finish()``, when the last is marked.
    package func runMarking() async {
        for await _ in confirmations {
            // A mark is in no hurry, and a ledger that commits many at once has more time for those who wait for it.
            await clock.sleep(for: Self.markInterval)
            await mark()
        }
        await mark()
    }

    private static let markInterval = Duration.milliseconds(50)

    /// Nothing more will be delivered.
    package func finish() {
        confirmed.finish()
        owed.finish()
    }

    private func sweep(upTo bound: OutgoingReply.ID) async throws(LedgerError) -> OutgoingReply.ID {
        var last: OutgoingReply.ID = 0
        while !Task.isCancelled {
            let replies = try await ledger.unpublishedReplies(after: last, limit: 100)
            guard let end = replies.last else { break }
            await withDiscardingTaskGroup { group in
                for reply in replies where reply.id <= bound && !isOnItsWay(reply) {
                    group.addTask { await self.deliver(reply, isRepeat: false) }
                }
            }
            last = end.id
        }
        return last
    }

    private func isOnItsWay(_ reply: OutgoingReply) -> Bool { state.withLock { $0.inFlight.contains(reply.id) } }

    private func deliver(_ reply: OutgoingReply, isRepeat: Bool) async {
        state.withLock { _ = $0.inFlight.insert(reply.id) }
        let address = ReplyAddress(reply, exchanges)
        let publication = await publish(Message(reply), to: address)
        state.withLock { state in
            if publication == .confirmed { state.confirmed.append(reply.id) } else { state.inFlight.remove(reply.id) }
        }
        switch publication {
        case .confirmed:
            confirmed.yield()
            metrics.published(reply.kind)
            if !isRepeat { metrics.ended(reply, at: clock.now()) }
        case .unconfirmed: owed.yield()
        // It stays owed; the patrol tries it, and says so, once a minute.
        case .impossible: break
        }
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

    private func mark() async {
        let ids = state.withLock { state in
            defer { state.confirmed = [] }
            return state.confirmed
        }
        guard !ids.isEmpty else { return }
        do {
            try await ledger.markPublished(ids)
        } catch {
            // Not marked means published once more after the next start, under the same message_id: allowed.
            logger.warning("published replies could not be marked", metadata: ["error": "\(error)", "count": "\(ids.count)"])
        }
        state.withLock { $0.inFlight.subtract(ids) }
    }
}
