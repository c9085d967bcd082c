import AMQP
import Events
import JobModel
package import Ledger
package import Logging
import Synchronization

/// Publishes the replies that the ledger owes, and marks those that the broker has confirmed.
///
/// A reply is owed from the moment it is stored. Losing the broker or the process only delays it: every reply that is not marked as
/// published is published again, under the same `message_id`.
///
/// Only one task publishes a reply. At first it is the run that has stored the reply. A sweep publishes the backlog: replies that another
/// process has left behind, at the start or a minute ago, and replies that the broker has not confirmed.
package final class Outbox: Sendable {
    private struct State {
        /// Replies that are being published or wait for their mark in the ledger.
        var inFlight: Set<OutgoingReply.ID> = []
        /// Replies that the broker has confirmed and the ledger has not marked yet.
        var confirmed: [OutgoingReply.ID] = []
        /// Replies that the broker has not confirmed. A later sweep publishes them.
        var troubles: [OutgoingReply.ID: ReplyTrouble] = [:]
        /// Addresses at which the broker refuses replies, as far as the log has named them.
        var refusing: Set<ReplyAddress> = []
        /// Replies up to this id are old enough that their run must have given up on them. The next sweep publishes them.
        var backlogEnd: OutgoingReply.ID = 0
        /// When the next sweep for unconfirmed replies is due, in the clock's uptime.
        var sweepAt: Duration?
        /// Replies that cannot be read and that the log has named.
        var unreadable: Set<OutgoingReply.ID> = []

        /// Whether a sweep at that time publishes the reply.
        func isInBacklog(_ id: OutgoingReply.ID, at now: Duration) -> Bool {
            guard !inFlight.contains(id) else { return false }
            return troubles[id].map { $0.dueAt <= now } ?? (id <= backlogEnd)
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
    private let markRequests: AsyncStream<Void>
    private let requestMark: AsyncStream<Void>.Continuation
    private let sweepRequests: AsyncStream<Void>
    private let requestSweep: AsyncStream<Void>.Continuation
    private let delayedSweeps: AsyncStream<Duration>
    private let delaySweep: AsyncStream<Duration>.Continuation

    /// - Parameter configuration: names the exchanges, and says how long to wait for a confirm.
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
        (markRequests, requestMark) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (sweepRequests, requestSweep) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (delayedSweeps, delaySweep) = AsyncStream.makeStream()
    }

    /// Declares all replies that are owed now to be the backlog, which the first sweep publishes. Must be called before this process stores
    /// any reply.
    package func loadBacklog() async {
        guard let last = await lastOwed() else { return }
        state.withLock { $0.backlogEnd = last }
        requestSweep.yield()
    }

    /// Says that no more replies will be delivered.
    package func finish() {
        requestMark.finish()
        requestSweep.finish()
        delaySweep.finish()
    }
}

// MARK: - Publishing

extension Outbox {
    /// Publishes replies that were just stored. Returns when each is confirmed or cannot be confirmed now; an unconfirmed one stays owed.
    package func deliver(new replies: [OutgoingReply]) async {
        await forEach(replies) { await self.deliver($0) }
    }

    /// Publishes replies that are owed once more, because their recipient has asked again. Returns as for new ones.
    func deliver(repeated replies: [OutgoingReply]) async {
        await forEach(replies) { await self.deliver($0, isRepeat: true) }
    }

    /// Publishes a stored reply once more for an operator, and reports what became of that. The job does not change. A reply that was owed is no
    /// longer owed once it is confirmed.
    package func publishAgain(_ reply: OutgoingReply) async -> Receipt {
        let address = ReplyAddress(of: reply, exchanges: exchanges)
        do throws(PublishError) {
            if address.isDirect, !(try await publisher.hasListener(directReplyTo: address.routingKey)) { return .unroutable }
            try await publisher.publish(
                Message(reply), exchange: address.exchange, routingKey: address.routingKey, mandatory: !address.isDirect,
                timeout: confirmTimeout)
        } catch {
            if case .returned = error { return .unroutable }
            return .failed(error)
        }
        noteConfirmed(reply, to: address, isRepeat: true)
        return .confirmed
    }

    private func forEach(_ replies: [OutgoingReply], do body: @escaping @Sendable (OutgoingReply) async -> Void) async {
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

    /// How many replies are published at the same time.
    private static let portion = 100

    /// The result of publishing a message that the ledger does not know of.
    enum PublishResult {
        case confirmed
        /// Not confirmed now. Another attempt may succeed.
        case unconfirmed
        /// The exchange is missing, or no queue is bound there nor for unrouted replies. Another attempt succeeds once that has changed.
        case nowhere
        /// The message cannot be put on the wire, or the broker turns it down. Another attempt would fail too.
        case impossible
    }

    /// Publishes a message that the ledger does not know of.
    func publish(_ message: Message, to address: ReplyAddress) async -> PublishResult {
        guard let error = await attempt(message, to: address) else { return .confirmed }
        switch error {
        case .notSent, .notAsked, .refused, .outcomeUnknown: return .unconfirmed
        case .returned: return .nowhere
        case .turnedDown(let code, _) where code == ReplyTrouble.notFound: return .nowhere
        case .turnedDown, .invalid:
            logger.log(.messageUnpublishable, metadata: ["error": "\(error)"])
            return .impossible
        }
    }

    /// Publishes a message once.
    /// - Returns: why the broker has not confirmed it; `nil` if it has, or has confirmed that it keeps the message as unrouted.
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
            // At debug level, because it comes with every message. The connection logs the loss of the broker once.
            logger.log(.messageUnconfirmed, metadata: ["error": "\(error)"])
            guard case .returned = error else { return error }
            return await keepUnrouted(message, instead: address)
        }
    }

    /// Publishes a message for whose address no queue is bound to the exchange that keeps unrouted messages.
    private func keepUnrouted(_ message: Message, instead address: ReplyAddress) async -> PublishError? {
        do {
            try await publisher.publish(
                message, exchange: exchanges.unrouted, routingKey: address.routingKey, mandatory: true, timeout: confirmTimeout)
        } catch { return error }
        metrics.unroutedReply()
        logger.log(
            .replyUnroutable, metadata: ["message_id": "\(message.properties.messageID ?? "-")", "routing_key": "\(address.routingKey)"])
        return nil
    }

    /// - Parameter isRepeat: a stored reply is sent again. It is not counted as the end of a job.
    private func deliver(_ reply: OutgoingReply, isRepeat: Bool = false) async {
        state.withLock { _ = $0.inFlight.insert(reply.id) }
        let address = ReplyAddress(of: reply, exchanges: exchanges)
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
        if wasRefusing { logger.log(.replyAccepted, metadata: address.metadata) }
        requestMark.yield()
        metrics.published(reply.kind)
        if !isRepeat { metrics.recordDuration(of: reply, at: clock.now()) }
        if let trouble, trouble.needsPerson { logger.log(.replyPublishedLate, metadata: reply.metadata) }
    }

    private func noteTrouble(_ error: PublishError, with reply: OutgoingReply, to address: ReplyAddress, isRepeat: Bool) {
        let now = clock.uptime()
        let (trouble, earlier, isNewlyRefusing) = state.withLock { state in
            let earlier = state.troubles[reply.id]
            let trouble = ReplyTrouble(error, isRepeat: isRepeat, after: earlier, at: now)
            if earlier != nil || state.troubles.count < Self.maximumTroubles {
                state.troubles[reply.id] = trouble
            } else {
                state.backlogEnd = max(state.backlogEnd, reply.id)
            }
            state.inFlight.remove(reply.id)
            let isNew = trouble.isRefusedAgain && state.refusing.count < Self.maximumRefusing && state.refusing.insert(address).inserted
            return (trouble, earlier, isNew)
        }
        if isNewlyRefusing { logger.log(.replyRefused, metadata: address.metadata) }
        if trouble.needsPerson, !trouble.repeats(earlier) {
            logger.log(.replyNotPublished, metadata: reply.metadata.merging(["error": "\(error)"]) { $1 })
        }
        if trouble.dueAt <= now { requestSweep.yield() } else { scheduleSweep() }
    }

    /// How many replies have their trouble remembered. Further ones join the backlog.
    private static let maximumTroubles = 10_000
    /// How many refusing addresses the log names.
    private static let maximumRefusing = 1_000
}

// MARK: - Sweeping

extension Outbox {
    /// Publishes the backlog whenever a sweep is requested and the broker is there. Ends when cancelled, or after ``finish()`` once the
    /// broker is there.
    package func runRelay() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.scanPeriodically() }
            group.addTask { await self.runDelayedSweeps() }
            for await _ in sweepRequests {
                await sweep()
                await clock.sleep(for: .milliseconds(500) * (0.5 + clock.jitter()))
            }
            group.cancelAll()
        }
    }

    /// Publishes the backlog once.
    func sweep() async {
        guard (try? await publisher.whenConnected()) != nil else { return }
        // Copied before the ledger is read: a reply that is confirmed and marked meanwhile would still be read as owed.
        let before = state.withLock { $0 }
        let now = clock.uptime()
        do throws(LedgerError) {
            try await forEachOwed { replies in
                await self.forEach(replies.filter { before.isInBacklog($0.id, at: now) }) {
                    await self.deliver($0, isRepeat: before.troubles[$0.id]?.isRepeat ?? false)
                }
            }
        } catch {
            logger.log(.repliesNotRead, metadata: ["error": "\(error)"])
            requestSweep.yield()
        }
        scheduleSweep()
    }

    /// Schedules a sweep for the time at which the first unconfirmed reply is due.
    private func scheduleSweep() {
        let now = clock.uptime()
        let delay: Duration? = state.withLock { state in
            guard let due = state.troubles.values.lazy.map(\.dueAt).min(), state.sweepAt.map({ due < $0 }) ?? true else { return nil }
            state.sweepAt = due
            return max(.zero, due - now)
        }
        if let delay { delaySweep.yield(delay) }
    }

    private func runDelayedSweeps() async {
        await withDiscardingTaskGroup { group in
            for await delay in delayedSweeps {
                group.addTask {
                    await self.clock.sleep(for: delay)
                    self.state.withLock { $0.sweepAt = nil }
                    self.requestSweep.yield()
                }
            }
        }
    }

    /// Once a minute, adds to the backlog what was owed a minute before. An operator's command may have been interrupted between storing a
    /// reply and publishing it.
    private func scanPeriodically() async {
        var known = await lastOwed() ?? 0
        while !Task.isCancelled {
            await clock.sleep(for: Self.scanInterval)
            let unconfirmed = state.withLock { state in
                state.backlogEnd = max(state.backlogEnd, known)
                return state.troubles
            }
            logOwed(unconfirmed)
            requestSweep.yield()
            known = await lastOwed() ?? known
        }
    }

    private static let scanInterval = Duration.seconds(60)

    private func logOwed(_ troubles: [OutgoingReply.ID: ReplyTrouble]) {
        guard let example = troubles.min(by: { $0.key < $1.key }) else { return }
        logger.log(.repliesOwed, metadata: ["count": "\(troubles.count)", "first": "\(example.key)", "error": "\(example.value.error)"])
    }

    /// The id of the last reply that is owed, 0 if none is; `nil` if the ledger cannot be read.
    private func lastOwed() async -> OutgoingReply.ID? {
        do throws(LedgerError) {
            return try await ledger.lastUnpublishedReply() ?? 0
        } catch {
            logger.log(.repliesNotRead, metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// Reads all owed replies in portions, the oldest first.
    private func forEachOwed(_ body: ([OutgoingReply]) async -> Void) async throws(LedgerError) {
        var last: OutgoingReply.ID = 0
        while !Task.isCancelled {
            let owed = try await ledger.unpublishedReplies(after: last, limit: Self.portion)
            guard let end = owed.last else { return }
            logUnreadable(owed.unreadable)
            await body(owed.replies)
            last = end
        }
    }

    /// Names each unreadable reply once. It stays owed until a person has dealt with it.
    private func logUnreadable(_ ids: [OutgoingReply.ID]) {
        let new = state.withLock { state in ids.filter { state.unreadable.insert($0).inserted } }
        guard !new.isEmpty else { return }
        let names = new.prefix(5).map(String.init).joined(separator: ", ") + (new.count > 5 ? " and \(new.count - 5) more" : "")
        logger.log(.repliesUnreadable, metadata: ["replies.id": "\(names)"])
    }
}

// MARK: - Marking

extension Outbox {
    /// Marks confirmed replies as published in the ledger, many at a time. Ends after ``finish()``, when the last one is marked or cannot
    /// be.
    package func runMarkPublished() async {
        var trouble: LedgerError?
        for await _ in markRequests {
            // A mark is not urgent. Marking many at once leaves the ledger more time for the runs that wait for it.
            await clock.sleep(for: trouble == nil ? Self.markInterval : Self.markRetryInterval)
            let error = await mark()
            if error != trouble { logMarking(error) }
            if error != nil { requestMark.yield() }
            trouble = error
        }
        let error = await mark()
        if let error, error != trouble { logMarking(error) }
    }

    private static let markInterval = Duration.milliseconds(50)
    private static let markRetryInterval = Duration.seconds(1)

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

    private func logMarking(_ error: LedgerError?) {
        if let error {
            // A reply without a mark is published once more after the next start, under the same message_id. The contract allows that.
            logger.log(.repliesNotMarked, metadata: ["error": "\(error)"])
        } else {
            logger.log(.repliesMarked)
        }
    }
}
