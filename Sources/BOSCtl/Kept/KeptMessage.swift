import AMQP
import Crypto
import JobModel

/// A message that lies in `bos.dead` or `bos.unrouted` until a person takes it away.
struct KeptMessage: Sendable {
    let message: Message
    /// The queue where it lies.
    let queue: String
    /// The exchange and the routing key with which it came into the queue.
    let exchange: String
    let routingKey: String
    /// The size of its body in bytes.
    let size: UInt64
    /// The body was too large to be kept in memory, so `message.body` is empty.
    let isTruncated: Bool

    init(_ delivery: Delivery) {
        self.init(
            delivery.message, queue: delivery.queue, exchange: delivery.exchange, routingKey: delivery.routingKey,
            size: delivery.announcedSize, isTruncated: delivery.isTruncated)
    }

    /// - Parameter size: in bytes; `nil` means the size of the body.
    init(
        _ message: Message, queue: String, exchange: String, routingKey: String, size: UInt64? = nil, isTruncated: Bool = false
    ) {
        self.message = message
        self.queue = queue
        self.size = size ?? UInt64(message.body.count)
        self.isTruncated = isTruncated
        // `bosctl` may have put the message into its queue anew, past its exchange.
        if exchange.isEmpty, routingKey == queue, case .string(let first)? = message.properties.headers[Self.exchangeHeader],
            case .string(let key)? = message.properties.headers[Self.routingKeyHeader]
        {
            (self.exchange, self.routingKey) = (first, key)
        } else {
            (self.exchange, self.routingKey) = (exchange, routingKey)
        }
    }

    /// Names the message in commands: 12 hexadecimal digits of a digest of its body and its names. It stays the same when the message is put back
    /// into its queue, and when a replayed job comes back.
    var id: String {
        let properties = message.properties
        let names = [properties.messageID, properties.correlationID, properties.replyTo, properties.type, origin?.routingKey ?? routingKey]
        var hash = SHA256()
        for name in names { hash.update(data: Array("\(name?.utf8.count ?? -1):\(name ?? "")".utf8)) }
        hash.update(data: Array("\(size):".utf8))
        hash.update(data: message.body)
        return hash.finalize().prefix(6).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// Whether an operator means this message: by its ``id`` or the first digits of it, or by its `message_id`.
    func isNamed(_ name: String) -> Bool {
        id == name || message.properties.messageID == name || (name.count >= 6 && id.hasPrefix(name))
    }
}

// MARK: - How it came here

/// Why a message is a dead letter. Source: publishing.md#dead-letters, and RabbitMQ's guide "Dead Letter Exchanges".
enum DeadLetterCause: Sendable, Equatable {
    /// The worker did not understand the message, and told its caller so where it could.
    case refused(DeadLetterReason)
    /// The worker rejected the message, and the broker moved it.
    case rejected
    /// The broker handed the message out too often.
    case deliveryLimit
    /// The message waited too long in its queue.
    case expired
    /// Its queue was full.
    case queueFull
    /// Its headers do not say.
    case unknown

    /// Whether the worker may have told the caller that the job is refused and was never sent.
    var mayHaveBeenAnswered: Bool {
        switch self {
        case .refused, .rejected: true
        case .deliveryLimit, .expired, .queueFull, .unknown: false
        }
    }
}

extension KeptMessage {
    /// Where a dead letter was published first.
    struct Origin: Sendable, Equatable {
        var exchange: String
        var routingKey: String
    }

    /// The header as text; `nil` if it is missing or not a text.
    func header(_ name: String) -> String? {
        guard case .string(let text)? = message.properties.headers[name] else { return nil }
        return text
    }

    private func number(_ name: String) -> Int? {
        guard case .int(let number)? = message.properties.headers[name] else { return nil }
        return Int(number)
    }

    /// The newest entry of `x-death`, which the broker writes when it moves a message to a dead-letter exchange.
    private var death: [String: FieldValue]? {
        guard case .array(let deaths)? = message.properties.headers["x-death"], case .table(let death)? = deaths.first else { return nil }
        return death
    }

    private var refusal: DeadLetterReason? { header("x-bos-reason").flatMap(DeadLetterReason.init) }

    var cause: DeadLetterCause {
        if let refusal { return .refused(refusal) }
        guard case .string(let reason)? = death?["reason"] else { return .unknown }
        switch reason {
        case "rejected": return .rejected
        case "delivery_limit": return .deliveryLimit
        case "expired": return .expired
        case "maxlen": return .queueFull
        default: return .unknown
        }
    }

    /// `nil` if the headers do not say it.
    var origin: Origin? {
        if refusal != nil, let key = header("x-bos-original-routing-key") {
            return Origin(exchange: header("x-bos-original-exchange") ?? "", routingKey: key)
        }
        guard let death, case .string(let exchange)? = death["exchange"], case .array(let keys)? = death["routing-keys"],
            case .string(let key)? = keys.first
        else { return nil }
        return Origin(exchange: exchange, routingKey: key)
    }

    var failedAt: Timestamp? {
        if refusal != nil, let text = header("x-bos-failed-at") { return Timestamp(rfc3339: text) }
        // The largest number of seconds of a plausible time fits; a larger one is a forgery.
        guard case .timestamp(let seconds)? = death?["time"], seconds <= UInt64(Timestamp.plausible.upperBound / 1_000) else { return nil }
        return Timestamp(milliseconds: Int64(seconds) * 1_000)
    }

    /// One sentence of the worker about what is wrong with the message.
    var detail: String? { refusal == nil ? nil : header("x-bos-detail") }

    /// The publisher's user, which the broker has verified. A message that was published again has the user of that publisher.
    var user: String? { message.properties.userID ?? header(Self.userHeader) }

    /// How often an operator has published it again.
    var replays: Int { max(0, number(Self.replaysHeader) ?? 0) }

    /// How often the broker has handed it out and got it back. Only quorum queues count.
    var deliveryCount: Int { max(0, number("x-delivery-count") ?? 0) }

    /// Counts how often an operator has published the message again.
    static let replaysHeader = "x-bos-replays"
    /// Names the publisher's user of a message that `bosctl` has put into its queue again.
    static let userHeader = "x-bos-user-id"
    /// Name the exchange and the routing key of such a message.
    private static let exchangeHeader = "x-bos-kept-exchange"
    private static let routingKeyHeader = "x-bos-kept-routing-key"

    /// The message as it is put into its queue anew: the same body and the same properties, as far as a client may write them.
    var renewed: Message {
        var copy = message
        copy.properties.deliveryMode = .persistent
        for name in ["CC", "BCC", "x-delivery-count"] { copy.properties.headers[name] = nil }
        copy.properties.headers[Self.exchangeHeader] = .string(exchange)
        copy.properties.headers[Self.routingKeyHeader] = .string(routingKey)
        if let user { copy.properties.headers[Self.userHeader] = .string(user) }
        if !copy.properties.unreadable.isEmpty {
            copy.properties.headers["x-bos-unreadable"] = .table(copy.properties.unreadable.mapValues { .bytes($0) })
        }
        return copy
    }
}
