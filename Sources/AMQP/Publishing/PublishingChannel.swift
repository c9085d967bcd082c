internal import DequeModule

/// A channel of a session for publishing, with what waits for it and what waits for its confirms. Confined to the connection's thread.
///
/// A session has two. The main one writes as fast as the broker takes it. The broker closes a channel over a message that it turns down (an exchange that is
/// missing or that the user may not write to, for example) without saying which message that was. All messages that were unanswered then go to the trial
/// publishing, which has one message on the wire at a time, so that the next close names its message and costs nothing else. The same for messages that were
/// unanswered when the broker closed the connection before, see ``Quarantine``.
final class PublishingChannel {
    enum Phase {
        case closed
        case opening
        case open
    }

    let channel: Channel
    /// Messages that may be unanswered at once, those included whose callers wait no longer.
    private let window: Int
    /// Callers that may wait for an answer at once.
    private let callers: Int
    var phase = Phase.closed
    var confirms = Confirms()
    /// Messages that the broker or the socket does not take yet.
    var backlog: Deque<Publish> = []

    init(channel: Channel, window: Int, callers: Int = .max) {
        self.channel = channel
        self.window = window
        self.callers = callers
    }

    /// Whether the next message may be written.
    var isOpen: Bool { phase == .open && confirms.unanswered < window && confirms.count < callers }

    /// Whether a message is waiting that may be written.
    var hasWork: Bool { !backlog.isEmpty && isOpen }

    /// The session is over.
    func end(reason: String) {
        confirms.abandon(reason: reason)
        while let publish = backlog.popFirst() { publish.giveUp(reason) }
    }

    /// Answers callers whose messages have not left, or not been confirmed, in the time they had.
    func expire(at now: ContinuousClock.Instant, reason: String) {
        while let publish = backlog.first, publish.isOverdue(at: now) {
            backlog.removeFirst()
            publish.giveUp(reason)
        }
        confirms.expire(at: now)
    }
}
