/// A message to be published, with the caller that waits for its confirm.
struct Publish: Sendable {
    let message: Message
    let exchange: String
    let routingKey: String
    let mandatory: Bool
    /// When the caller stops waiting.
    let deadline: ContinuousClock.Instant?
    /// Whether it was written before, on a channel that is closed now. The broker may have it or not.
    var hasLeft = false
    /// Whether it was unanswered when the broker closed an earlier connection, see ``Quarantine``.
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

    /// Whether it is the same message with the same destination.
    func isSame(as other: Publish) -> Bool {
        exchange == other.exchange && routingKey == other.routingKey && mandatory == other.mandatory && message == other.message
    }

    /// Answers the caller: the message is not tried any more.
    func giveUp(_ reason: String) {
        finish(hasLeft ? .outcomeUnknown(reason) : .notSent(reason))
    }

    /// Answers the caller, directly from the connection's thread. `nil` means confirmed.
    func finish(_ error: PublishError?) {
        continuation.resume(returning: error)
    }
}

/// Why a publish ended without the broker's confirm.
package enum PublishError: Error, Equatable, CustomStringConvertible {
    /// Nothing of the message left this process. Publishing it again is safe.
    case notSent(String)
    /// The broker has said that it did not take the message. Publishing it again is safe.
    case refused
    /// The message is mandatory and no queue is bound for it. The broker has not kept it.
    case returned(code: UInt16, text: String)
    /// The broker closed the channel over this message, for example because its exchange is missing (404) or the user may not write to
    /// it (403), or it closed the connection (541, for example). The broker has not kept the message, and refuses it until the cause is
    /// removed.
    case turnedDown(code: UInt16, text: String)
    /// It is unknown whether the caller of a direct reply still waits. Nothing of the message was sent.
    case notAsked(String)
    /// The message was written, and no confirm came, because the session was lost or the time was over. The broker may have it or not.
    case outcomeUnknown(String)
    /// The message cannot be written as it is. Trying again does not help.
    case invalid(String)

    package var description: String {
        switch self {
        case .notSent(let reason): "the message was not sent: \(reason)"
        case .refused: "the broker refused the message (basic.nack): a queue that it was routed to is full or not available"
        case .returned(let code, let text): "the broker returned the message (\(code) \(text)): no queue is bound for its routing key"
        case .turnedDown(let code, let text):
            "the broker turned the message down and closed the channel or the connection over it: \(code) \(text)"
        case .notAsked(let reason): "the message was not sent, because it is unknown whether its receiver still waits: \(reason)"
        case .outcomeUnknown(let reason): "the message was sent, and it is unknown whether the broker took it: \(reason)"
        case .invalid(let reason): "the message cannot be sent: \(reason)"
        }
    }
}
