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
    var wasQuarantined = false
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

/// Why a publish did not end with the broker's confirm.
package enum PublishError: Error, Equatable, CustomStringConvertible {
    /// Nothing of it left this process: publishing again is safe.
    case notSent(String)
    /// The broker said that it did not take it: publishing again is safe.
    case refused
    /// Mandatory, and no queue was bound for it: the broker kept nothing.
    case returned(code: UInt16, text: String)
    /// The broker closed the channel over this message, for example because its exchange is missing (404) or the user may not write to it (403), or the
    /// connection (541, for example). The broker has nothing of it, and takes it only once that has changed.
    case turnedDown(code: UInt16, text: String)
    /// The broker did not say whether the caller of a direct reply is there. Nothing of it was sent.
    case notAsked(String)
    /// It left, and the session was lost before the broker's answer came: the broker may have it or not.
    case outcomeUnknown(String)
    /// It cannot be put on the wire as it is; trying again does not help.
    case invalid(String)

    package var description: String {
        switch self {
        case .notSent(let reason): "the message was not sent: \(reason)"
        case .refused: "the broker refused the message (basic.nack): a queue it was routed to is full or not available"
        case .returned(let code, let text): "the broker returned the message (\(code) \(text)): no queue is bound for its routing key"
        case .turnedDown(let code, let text):
            "the broker turned the message down and closed the channel or the connection over it: \(code) \(text)"
        case .notAsked(let reason): "the message was not sent, for it is not known whether its receiver is there: \(reason)"
        case .outcomeUnknown(let reason): "the message was sent, and whether the broker took it is unknown: \(reason)"
        case .invalid(let reason): "the message cannot be sent: \(reason)"
        }
    }
}
