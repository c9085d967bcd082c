internal import CRabbitMQ
internal import DequeModule

/// One channel of a session, with its outstanding calls and the message that is arriving on it.
final class Channel {
    /// How a call ended.
    enum CallResult: Sendable {
        case reply(BrokerReply)
        /// The broker answered by closing the channel.
        case closed(code: UInt16, text: String)
        /// The session ended before the reply came.
        case lost(SessionError)
    }

    /// A call whose reply is outstanding. The broker replies to the calls of one channel in order.
    struct Call {
        let operation: String
        let expected: amqp_method_number_t
        var deadline: ContinuousClock.Instant
        let finish: (CallResult) -> Void
    }

    let number: UInt16
    var isOpen = false
    var calls: Deque<Call> = []
    var content: Content?
    /// The consumer on this channel, if any.
    weak var subscription: Subscription?

    init(number: UInt16) {
        self.number = number
    }

    /// Gives all outstanding calls a new deadline.
    func renewDeadlines(_ deadline: ContinuousClock.Instant) {
        for index in calls.indices { calls[index].deadline = deadline }
    }

    /// Closes the channel in this process: every outstanding call ends with the result.
    func finish(_ outcome: CallResult) {
        isOpen = false
        content = nil
        while let call = calls.popFirst() { call.finish(outcome) }
    }
}

/// The part of a broker's reply that callers use.
enum BrokerReply: Sendable, Equatable {
    case done
    case queue(messages: UInt32, consumers: UInt32)
    case findings([String])
}
