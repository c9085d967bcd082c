internal import CRabbitMQ
internal import DequeModule

/// One channel of a session: what was asked on it and the content that is coming in on it.
final class Channel {
    /// How a question ended.
    enum CallResult: Sendable {
        case reply(BrokerReply)
        /// The broker answered by closing the channel.
        case closed(code: UInt16, text: String)
        /// The session is over.
        case lost(SessionError)
    }

    /// A question whose answer is still to come. The broker answers those of one channel in order.
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
    /// The consumer on this channel, if it has one.
    weak var subscription: Subscription?

    init(number: UInt16) {
        self.number = number
    }

    func renewDeadlines(_ deadline: ContinuousClock.Instant) {
        for index in calls.indices { calls[index].deadline = deadline }
    }

    /// Ends everything on the channel.
    func finish(_ outcome: CallResult) {
        isOpen = false
        content = nil
        while let call = calls.popFirst() { call.finish(outcome) }
    }
}

/// What is kept of a broker's answer.
enum BrokerReply: Sendable, Equatable {
    case done
    case queue(messages: UInt32, consumers: UInt32)
    case findings([String])
}
