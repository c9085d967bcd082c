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
        /// Not confirmed: a later sweep's.
        var troubles: [OutgoingReply.ID: ReplyTrouble] = [:]
        /// Where the broker refuses replies, as the log has said.
        var refusing: Set<ReplyAddress> = []
        /// Up to this one the run that stored a reply has had the time to publish it: what is owed still is the next sweep's.
        var left: OutgoingReply.ID = 0
        /// When the next sweep for replies that were not confirmed is due, in the clock's uptime.
        var wakeAt: Duration?
        /// Those that have been named already.
        var unreadable: Set<OutgoingReply.ID> = []

        func isLeft(_ id: OutgoingReply.ID, at now: Duration) -> Bool {
            guard !inFlight.contains(id) else { return false }
            return troubles[id].map { $0.dueAt <= now } ?? (id <= left)
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
    private let pauses: AsyncStream<Duration>
    private let paused: AsyncStream<Duration>.Continuation

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
        (pauses, paused) = AsyncStream.makeStream()
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
        /// Its exchange is missing, or no queue is bound there or for replies without a listener. To try again helps once that has changed.
        case nowhere
        /// It cannot be put on the wire, or the broker turns it down, however often that is tried.
        case impossible
    }

    /// Publishes a message that the ledger does not know of.
    func publish(_ message: Message, to address: ReplyAddress) async -> Publication {
        guard let error = await attempt(message, to: address) else { return .confirmed }
        switch error {
        case .notSent, .notAsked, .refused, .outcomeUnknown: return .unconfirmed
        case .returned: return .nowhere
        case .turnedDown(let code, _) where code == ReplyTrouble.notFound: return .nowhere
        case .turnedDown, .invalid:
            logger.error("a message cannot be published as it is", metadata: ["error": "\(error)"])
            return .impossible
        }
    }

    /// Publishes a message once. Returns why the broker has not confirmed it; `nil` if it has, or has confirmed that it keeps the message among those
    /// without a listener.
    private func attempt(_ message: Message, to address: ReplyAddress) async -> PublishError? {
        do {
            if address.isDirect, !(try await publisher.hasListener(directReplyTo: address.routingKey)) {
                return await keepUnrouted(message, instead: address)
            }
            try await publisher.publish(
                message, exchange: address.exchange, routingKey: address.routingKey, mandatory: !address.isDirect,
                timeout: confirmTimeout)
            return nil
        } catch {
            // The connection says that the broker is gone, once; here it would be said for every message.
            logger.debug("a message was not confirmed", metadata: ["error": "\(error)"])
            guard case .returned = error else { return error }
            return await keepUnrouted(message, instead: address)
        }
    }

    /// No queue is bound for the address: the message is kept where all messages without a listener are kept.
    private func keepUnrouted(_ message: Message, instead address: ReplyAddress) async -> PublishError? {
        do {
            try await publisher.publish(
                message, exchange: exchanges.unrouted, routingKey: address.routingKey, mandatory: true, timeout: confirmTimeout)
        } catch { return error }
        metrics.unroutedReply()
        logger.warning(
            "a reply had no listener and is kept in the unrouted queue",
            metadata: ["message_id": "\(message.properties.messageID ?? "-")", "routing_key": "\(address.routingKey)"])
        return nil
    }

    /// Publishes what is owed and was left, as soon as the broker is there. Ends when cancelled, or after ``finish()`` once the broker is there.
    package func runSweeping() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.patrol() }
            group.addTask { await self.wakeForTroubles() }
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
        let before = state.withLock { $0 }
        let now = clock.uptime()
        do throws(LedgerError) {
            try await forEachOwed { replies in
                await self.all(replies.filter { before.isLeft($0.id, at: now) }) {
                    await self.deliver($0, isRepeat: before.troubles[$0.id]?.isRepeat ?? false)
                }
            }
        } catch {
            tellUnread(error)
            owed.yield()
        }
        planWake()
    }

    /// Has the replies that were not confirmed swept when the first of them is due.
    private func planWake() {
        let now = clock.uptime()
        let pause: Duration? = state.withLock { state in
            guard let due = state.troubles.values.lazy.map(\.dueAt).min(), state.wakeAt.map({ due < $0 }) ?? true else { return nil }
            state.wakeAt = due
            return max(.zero, due - now)
        }
        if let pause { paused.yield(pause) }
    }

    private func wakeForTroubles() async {
        await withDiscardingTaskGroup { group in
            for await pause in pauses {
                group.addTask {
                    await self.clock.sleep(for: pause)
                    self.state.withLock { $0.wakeAt = nil }
                    self.owed.yield()
                }
            }
        }
    }

    /// Leaves to the sweep, once a minute, what was owed a minute before: a person's command may have been interrupted between storing a
    /// reply and publishing it.
    private func patrol() async {
        var known = await lastOwed() ?? 0
        while !Task.isCancelled {
            await clock.sleep(for: Self.patrolInterval)
            let untaken = state.withLock { state in
                state.left = max(state.left, known)
                return state.troubles
            }
            tellUntaken(untaken)
            owed.yield()
            known = await lastOwed() ?? known
        }
    }

    private static let patrolInterval = Duration.seconds(60)

    /// Replies of which is known why they were not confirmed. More are swept with what was left.
    private static let maximumTroubles = 10_000
    private static let maximumRefusing = 1_000

    private func tellUntaken(_ troubles: [OutgoingReply.ID: ReplyTrouble]) {
        guard let example = troubles.min(by: { $0.key < $1.key }) else { return }
        logger.warning(
            "replies are owed that the broker has not taken",
            metadata: ["count": "\(troubles.count)", "first": "\(example.key)", "error": "\(example.value.error)"])
    }

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
        paused.finish()
    }

    /// - Parameter isRepeat: it ends no job.
    private func deliver(_ reply: OutgoingReply, isRepeat: Bool = false) async {
        state.withLock { _ = $0.inFlight.insert(reply.id) }
        let address = ReplyAddress(reply, exchanges)
        if let error = await attempt(Message(reply), to: address) {
            noteTrouble(error, with: reply, to: address, isRepeat: isRepeat)
        } else {
            noteConfirmed(reply, to: address, isRepeat: isRepeat)
        }
    }

    private func noteConfirmed(_ reply: OutgoingReply, to address: ReplyAddress, isRepeat: Bool) {
        let (trouble, wasRefusing) = state.withLock { state in
            state.confirmed.append(reply.id)
            return (state.troubles.removeValue(forKey: reply.id), state.refusing.remove(address) != nil)
        }
        if wasRefusing { logger.notice("the broker takes replies again that it has refused", metadata: metadata(of: address)) }
        confirmed.yield()
        metrics.published(reply.kind)
        if !isRepeat { metrics.ended(reply, at: clock.now()) }
        if let trouble, trouble.needsPerson {
            logger.notice("a reply that could not be published was published", metadata: metadata(of: reply))
        }
    }

    private func noteTrouble(_ error: PublishError, with reply: OutgoingReply, to address: ReplyAddress, isRepeat: Bool) {
        let now = clock.uptime()
        let (trouble, earlier, isNewlyRefusing) = state.withLock { state in
            let earlier = state.troubles[reply.id]
            let trouble = ReplyTrouble(error, isRepeat: isRepeat, after: earlier, at: now)
            if earlier != nil || state.troubles.count < Self.maximumTroubles {
                state.troubles[reply.id] = trouble
            } else {
                state.left = max(state.left, reply.id)
            }
            state.inFlight.remove(reply.id)
            let isNew = trouble.isRefusedAgain && state.refusing.count < Self.maximumRefusing && state.refusing.insert(address).inserted
            return (trouble, earlier, isNew)
        }
        if isNewlyRefusing {
            logger.error(
                "the broker refuses replies (basic.nack): a queue that is bound for them is full or not available; they stay owed and are tried again",
                metadata: metadata(of: address))
        }
        if trouble.needsPerson, !trouble.isTold(by: earlier) {
            var metadata = metadata(of: reply)
            metadata["error"] = "\(error)"
            logger.error("a reply could not be published; it stays owed and is tried again now and then", metadata: metadata)
        }
        if trouble.dueAt <= now { owed.yield() } else { planWake() }
    }

    private func metadata(of address: ReplyAddress) -> Logger.Metadata {
        ["exchange": "\(address.exchange)", "routing_key": "\(address.routingKey)"]
    }

    private func metadata(of reply: OutgoingReply) -> Logger.Metadata {
        [
            "kind": "\(reply.kind.rawValue)", "outcome": "\(reply.outcome.rawValue)", "message_id": "\(reply.messageID)",
            "correlation_id": "\(reply.asker.correlationID)",
        ]
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
