/// A message on its way out, with the caller that waits for its confirm.
struct Publish: Sendable {
    let message: Message
    let exchange: String
    let routingKey: String
    let mandatory: Bool
    /// When the caller waits no longer.
    let deadline: ContinuousClock.Instant?
    /// Whether it was written before, on a channel that is closed now: the broker may have it or not.
    var hasLeft = false
    /// Whether a connection was closed with it unanswered before.
    var isSuspect = false
    private let continuation: CheckedContinuation<PublishError?, Never>

    init(
        _ message: Message, exchange: String, routingKey: String, mandatory: Bool, deadline: ContinuousClock.Instant? = nil,
        continuation: CheckedContinuation<PublishError?, Never>
    ) {
        self.message = message
        self.exchange = exchange
        self.routingKey = routingKey
        self.mandatory = mandatory
        self.deadline = deadline
        self.continuation = continuation
    }

    func isOverdue(at now: ContinuousClock.Instant) -> Bool { deadline.map { $0 <= now } ?? false }

    /// Whether it is the same message on the same way.
    func isSame(as other: Publish) -> Bool {
        exchange == other.exchange && routingKey == other.routingKey && mandatory == other.mandatory && message == other.message
    }

    /// Tells the caller that nothing more is tried.
    func giveUp(_ reason: String) {
        finish(hasLeft ? .outcomeUnknown(reason) : .notSent(reason))
    }

    /// Tells the caller, straight from the connection's thread: nil means confirmed.
    func finish(_ error: PublishError?) {
        continuation.resume(returning: error)
    }
}
