/// A message: bytes and what is said about them.
package struct Message: Sendable, Equatable {
    package var body: [UInt8]
    package var properties: Properties

    package init(body: [UInt8], properties: Properties = Properties()) {
        self.body = body
        self.properties = properties
    }
}

/// The properties of a message, as AMQP 0-9-1 names them. Texts are at most 255 bytes of UTF-8.
package struct Properties: Sendable, Equatable {
    /// Whether the message survives a restart of the broker.
    package enum DeliveryMode: UInt8, Sendable {
        case transient = 1
        case persistent = 2
    }

    package var contentType: String?
    package var contentEncoding: String?
    package var correlationID: String?
    package var replyTo: String?
    /// Milliseconds after which the broker drops the message, as digits.
    package var expiration: String?
    package var messageID: String?
    package var type: String?
    /// Who published the message, vouched for by the broker. Read only: the broker closes the channel on any name but the login's own, so that passing on
    /// another's message would end the session. It is therefore never written.
    package var userID: String?
    package var appID: String?
    package var deliveryMode: DeliveryMode = .persistent
    package var priority: UInt8?
    /// Seconds since 1970.
    package var timestamp: UInt64?
    package var headers: [String: FieldValue] = [:]
    /// Texts of a message from the broker that are no UTF-8, by the property's name: a text made of them would be another one. Never written.
    package var unreadable: [String: [UInt8]] = [:]

    package init() {}

    /// Why the broker or the wire would not take these properties; nil when they are fit to send in one frame of `frameMaximum` bytes.
    func fault(frameMaximum: Int) -> String? {
        let texts = [
            ("content_type", contentType), ("content_encoding", contentEncoding), ("correlation_id", correlationID), ("reply_to", replyTo),
            ("expiration", expiration), ("message_id", messageID), ("type", type), ("app_id", appID),
        ]
        // The frame's envelope and the fixed fields, generously.
        var size = 64
        for (name, text) in texts {
            guard let text else { continue }
            let count = text.utf8.count
            if count > 255 { return "the property \(name) is \(count) bytes long; AMQP allows 255" }
            size += 1 + count
        }
        if let expiration, expiration.isEmpty || !expiration.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            return "the property expiration must be digits, in milliseconds"
        }
        if !headers.isEmpty {
            if !FieldValue.hasFittingNames(headers) { return "the name of a header is longer than 255 bytes" }
            size += FieldValue.encodedSize(of: headers)
        }
        if size > frameMaximum { return "the headers need \(size) bytes; they must fit one frame of \(frameMaximum)" }
        return nil
    }
}
