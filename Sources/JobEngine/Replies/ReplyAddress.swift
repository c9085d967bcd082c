import AMQP
import JobModel
import Ledger

/// Where a reply goes. Source: publishing.md#where-a-reply-goes. Each is published as mandatory: a broker that routes it to no queue must say so. Only of a direct reply
/// it cannot say it, so that the caller is looked for before.
struct ReplyAddress: Sendable, Hashable {
    var exchange: String
    var routingKey: String

    var isDirect: Bool { exchange.isEmpty && routingKey.hasPrefix(DirectReplyTo.prefix) }

    init(_ reply: OutgoingReply, _ exchanges: EngineConfiguration.Exchanges) {
        self.init(replyTo: reply.asker.replyTo, kind: reply.kind, outcome: reply.outcome, exchanges)
    }

    init(replyTo: String?, kind: JobKind?, outcome: Outcome, _ exchanges: EngineConfiguration.Exchanges) {
        if let replyTo, replyTo.hasPrefix("amq.") {
            // Direct reply-to and server-named queues are bound to the default exchange only.
            (exchange, routingKey) = ("", replyTo)
        } else {
            let own = "\(kind?.rawValue ?? Reply.unknownKind).\(outcome.rawValue)"
            (exchange, routingKey) = (exchanges.replies, replyTo ?? own)
        }
    }
}

extension Message {
    init(_ reply: OutgoingReply) {
        self.init(reply: reply.body, kind: reply.kind, asker: reply.asker, messageID: reply.messageID)
    }

    init(reply body: [UInt8], kind: JobKind?, asker: Asker, messageID: String) {
        var properties = Properties()
        properties.contentType = "application/json"
        properties.deliveryMode = .persistent
        properties.type = "\(kind?.rawValue ?? Reply.unknownKind).reply"
        properties.messageID = messageID
        properties.correlationID = asker.correlationID.isEmpty ? nil : asker.correlationID
        if let traceparent = asker.traceparent { properties.headers["traceparent"] = .string(traceparent) }
        self.init(body: body, properties: properties)
    }
}
