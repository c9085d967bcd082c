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
        /// Not confirmed: the next sweep's. With each, whether it is a repeat.
        var unconfirmed: [OutgoingReply.ID: Bool] = [:]
        /// They stay owed; they are tried again, and said to be impossible, once a minute.
        var impossible: Set<OutgoingReply.ID> = []
        /// Up to this one whoever stored a reply has had the time to publish it: what is owed still is the next sweep's.
        var left: OutgoingReply.ID = 0
        /// Those that have been named already.
        var unreadable: Set<OutgoingReply.ID> = []

        func isLeft(_ id: OutgoingReply.ID) -> Bool {
            (id <= left || unconfirmed[id] != nil) && !inFlight.contains(id) && !impossible.contains(id)
        }
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

    /// Publishes replies that are owed again, for one who has asked again. Returns as for new ones.
    func deliver(repeated replies: [OutgoingReply]) async {
        await all(replies) { await self.deliver($0, isRepeat: true) }
    }

    private func all(_ replies: [OutgoingReply], _ body: @escaping @Sendable (OutgoingReply) async -> Void) async {
        guard replies.count > 1 else {
            for reply in replies { await body(reply) }
            return
        }
        for start in stride(from: 0, to: replies.count, by: Self.portion) {
            await withDiscardingTaskGroup { group in
                for reply in replies[start..<min(start + Self.portion, replies.count)] { group.addTask { await body(reply) } }
            }
        }
    }

    /// Replies that are published at the same time.
    private static let portion = 100

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

    /// Publishes what is owed and was left, as soon as the broker is there. Ends when cancelled, or after ``finish()`` once the broker is there.
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
            defer { state.unconfirmed = [:] }
            return state
        }
        do throws(LedgerError) {
            try await forEachOwed { replies in
                await self.all(replies.filter { before.isLeft($0.id) }) {
                    await self.deliver($0, isRepeat: before.unconfirmed[$0.id] ?? false)
                }
            }
        } catch {
            tellUnread(error)
            state.withLock { $0.unconfirmed.merge(before.unconfirmed) { now, _ in now } }
            owed.yield()
        }
    }

    /// Leaves to the sweep, once a minute, what was owed a minute before: a person's command may have been interrupted between storing a
    /// reply and publishing it.
    private func patrol() async {
        var known = await lastOwed() ?? 0
        while !Task.isCancelled {
            await clock.sleep(for: Self.patrolInterval)
            state.withLock { state in
                state.left = max(state.left, known)
                state.impossible = []
            }
            owed.yield()
            known = await lastOwed() ?? known
        }
    }

    private static let patrolInterval = Duration.seconds(60)

    /// The last reply that is owed, 0 if none is; `nil` if that could not be seen.
    private func lastOwed() async -> OutgoingReply.ID? {
        do throws(LedgerError) {
            return try await ledger.lastUnpublishedReply() ?? 0
        } catch {
            tellUnread(error)
            return nil
        }
    }

    /// All that is owed, the oldest first, some at a time.
    private func forEachOwed(_ body: ([OutgoingReply]) async -> Void) async throws(LedgerError) {
        var last: OutgoingReply.ID = 0
        while !Task.isCancelled {
            let owed = try await ledger.unpublishedReplies(after: last, limit: Self.portion)
            guard let end = owed.last else { return }
            tellUnreadable(owed.unreadable)
            await body(owed.replies)
            last = end
        }
    }

    /// Each is named once; it stays owed until a person has seen to it.
    private func tellUnreadable(_ ids: [OutgoingReply.ID]) {
        let new = state.withLock { state in ids.filter { state.unreadable.insert($0).inserted } }
        guard !new.isEmpty else { return }
        let names = new.prefix(5).map(String.init).joined(separator: ", ") + (new.count > 5 ? " and \(new.count - 5) more" : "")
        logger.error(
            "replies that are owed cannot be read and are not published; a person has to see to them: bosctl doubts",
            metadata: ["replies.id": "\(names)"])
    }

    private func tellUnread(_ error: LedgerError) {
        logger.warning("replies that are owed could not be read", metadata: ["error": "\(error)"])
    }

    /// Marks confirmed replies in the ledger, many at a time. Ends after ``finish()``, when the last is marked.
    package func runMarking() async {
        var trouble: LedgerError?
        for await _ in confirmations {
            // A mark is in no hurry, and a ledger that commits many at once has more time for those who wait for it.
            await clock.sleep(for: trouble == nil ? Self.markInterval : Self.markRetryInterval)
            let error = await mark()
            if error != trouble { tellUnmarked(error) }
            if error != nil { confirmed.yield() }
            trouble = error
        }
        let error = await mark()
        if let error, error != trouble { tellUnmarked(error) }
    }

    private static let markInterval = Duration.milliseconds(50)
    private static let markRetryInterval = Duration.seconds(1)

    /// Nothing more will be delivered.
    package func finish() {
        confirmed.finish()
        owed.finish()
    }

    /// - Parameter isRepeat: it ends no job.
    private func deliver(_ reply: OutgoingReply, isRepeat: Bool = false) async {
        state.withLock { _ = $0.inFlight.insert(reply.id) }
        let publication = await publish(Message(reply), to: ReplyAddress(reply, exchanges))
        state.withLock { state in
            switch publication {
            case .confirmed: return state.confirmed.append(reply.id)
            case .unconfirmed: state.unconfirmed[reply.id] = isRepeat
            case .impossible: state.impossible.insert(reply.id)
            }
            state.inFlight.remove(reply.id)
        }
        switch publication {
        case .confirmed:
            confirmed.yield()
            metrics.published(reply.kind)
            if !isRepeat { metrics.ended(reply, at: clock.now()) }
        case .unconfirmed: owed.yield()
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

    private func mark() async -> LedgerError? {
        let ids = state.withLock { $0.confirmed }
        guard !ids.isEmpty else { return nil }
        do throws(LedgerError) {
            try await ledger.markPublished(ids)
        } catch {
            return error
        }
        state.withLock { state in
            state.confirmed.removeFirst(ids.count)
            state.inFlight.subtract(ids)
        }
        return nil
    }

    private func tellUnmarked(_ error: LedgerError?) {
        if let error {
            // Whatever is still not marked at the end is published once more after the next start, under the same message_id: allowed.
            logger.warning("published replies cannot be marked and are tried again", metadata: ["error": "\(error)"])
        } else {
            logger.notice("published replies are marked again")
        }
    }
}
