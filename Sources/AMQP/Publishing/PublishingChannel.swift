internal import DequeModule

/// A channel for publishing, with its queued messages and its outstanding confirms. It runs on the connection's thread alone.
///
/// A session has two. The main channel writes as fast as the broker takes messages. The broker closes a channel over a message that
/// it turns down, for example because the exchange is missing or the user may not write to it, and does not say which message that
/// was. All messages that were unanswered then go to the trial channel. The trial channel has one message on the wire at a time, so
/// the next close identifies its message and affects no other. The messages in ``Quarantine`` go to the trial channel too.
final class PublishingChannel {
    enum Phase {
        case closed
        case opening
        case open
    }

    let channel: Channel
    /// The most messages that may be unanswered at once, including those whose callers have stopped waiting.
    private let window: Int
    /// The most callers that may wait for an answer at once.
    private let callers: Int
    var phase = Phase.closed
    var confirms = Confirms()
    /// The messages that the broker or the socket does not take yet.
    var backlog: Deque<Publish> = []

    init(channel: Channel, window: Int, callers: Int = .max) {
        self.channel = channel
        self.window = window
        self.callers = callers
    }

    /// Whether the next message may be written.
    var isOpen: Bool { phase == .open && confirms.unanswered < window && confirms.count < callers }

    /// Whether a queued message may be written.
    var hasWork: Bool { !backlog.isEmpty && isOpen }

    /// Answers all callers, because the session has ended.
    func end(reason: String) {
        confirms.abandon(reason: reason)
        while let publish = backlog.popFirst() { publish.giveUp(reason) }
    }

    /// Answers callers whose messages were not written or not confirmed within their time.
    func expire(at now: ContinuousClock.Instant, reason: String) {
        while let publish = backlog.first, publish.isOverdue(at: now) {
            backlog.removeFirst()
            publish.giveUp(reason)
        }
        confirms.expire(at: now)
    }
}
