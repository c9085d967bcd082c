import AMQP
import JobModel
package import Ledger
import Logging

/// Where a reply goes. Source: publishing.md#where-a-reply-goes.
///
/// A reply is published as mandatory, so that the broker says when it routes the reply to no queue. It cannot say so of a direct reply:
/// there the outbox asks before whether the caller still listens.
package struct ReplyAddress: Sendable, Hashable {
    /// Empty for the default exchange.
    package var exchange: String
    package var routingKey: String

    /// Whether the caller waits for it at the broker itself, without a queue.
    package var isDirect: Bool { exchange.isEmpty && routingKey.hasPrefix(DirectReplyTo.prefix) }

    /// - Parameter exchanges: the names in the configuration.
    package init(of reply: OutgoingReply, exchanges: EngineConfiguration.Exchanges) {
        self.init(replyTo: reply.recipient.replyTo, kind: reply.kind, outcome: reply.outcome, exchanges)
    }

    /// - Parameters:
    ///   - replyTo: where the recipient wants the reply; `nil` if its message did not say.
    ///   - kind: `nil` if the message did not tell its kind.
    init(replyTo: String?, kind: JobKind?, outcome: Outcome, _ exchanges: EngineConfiguration.Exchanges) {
        if let replyTo, replyTo.hasPrefix("amq.") {
            // Direct reply-to and queues with a name from the broker are bound to the default exchange only.
            (exchange, routingKey) = ("", replyTo)
        } else {
            let ownKey = "\(kind?.rawValue ?? Reply.unknownKind).\(outcome.rawValue)"
            (exchange, routingKey) = (exchanges.replies, replyTo ?? ownKey)
        }
    }

    /// What a log line says of the address.
    var metadata: Logger.Metadata { ["exchange": "\(exchange)", "routing_key": "\(routingKey)"] }
}

extension OutgoingReply {
    /// What a log line says of the reply. It holds no subscriber number.
    var metadata: Logger.Metadata {
        [
            "kind": "\(kind.rawValue)", "outcome": "\(outcome.rawValue)", "message_id": "\(messageID)",
            "correlation_id": "\(recipient.correlationID)",
        ]
    }
}

extension Message {
    init(_ reply: OutgoingReply) {
        self.init(reply: reply.body, kind: reply.kind, recipient: reply.recipient, messageID: reply.messageID)
    }

    init(reply body: [UInt8], kind: JobKind?, recipient: ReplyRecipient, messageID: String) {
        var properties = Properties()
        properties.contentType = "application/json"
        properties.deliveryMode = .persistent
        properties.type = "\(kind?.rawValue ?? Reply.unknownKind).reply"
        properties.messageID = messageID
        properties.correlationID = recipient.correlationID.isEmpty ? nil : recipient.correlationID
        if let traceparent = recipient.traceparent { properties.headers["traceparent"] = .string(traceparent) }
        self.init(body: body, properties: properties)
    }
}
