/// A message: its body and its properties.
package struct Message: Sendable, Equatable {
    package var body: [UInt8]
    package var properties: Properties

    /// - Parameter body: any bytes; AMQP does not interpret them.
    package init(body: [UInt8], properties: Properties = Properties()) {
        self.body = body
        self.properties = properties
    }
}

/// The properties of a message, under the names of AMQP 0-9-1. A text has at most 255 bytes of UTF-8.
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
    /// The time in milliseconds, as digits, after which the broker drops the message.
    package var expiration: String?
    package var messageID: String?
    package var type: String?
    /// The publisher's user, which the broker has verified. It is read and never written. The broker closes the channel over any name
    /// but that of the login, so forwarding another publisher's message would end the channel.
    package var userID: String?
    package var appID: String?
    package var deliveryMode: DeliveryMode = .persistent
    package var priority: UInt8?
    /// In seconds since 1970.
    package var timestamp: UInt64?
    package var headers: [String: FieldValue] = [:]
    /// Raw bytes of texts that are not valid UTF-8, by the property's name. Decoding them would change them. Never written.
    package var unreadable: [String: [UInt8]] = [:]

    /// Makes the properties of a persistent message. All others are unset.
    package init() {}

    /// Why the properties cannot be sent in one frame of `frameMaximum` bytes; `nil` if they can.
    func fault(frameMaximum: Int) -> String? {
        let texts = [
            ("content_type", contentType), ("content_encoding", contentEncoding), ("correlation_id", correlationID), ("reply_to", replyTo),
            ("expiration", expiration), ("message_id", messageID), ("type", type), ("app_id", appID),
        ]
        // Generous for the frame's envelope and the fixed fields.
        var size = 64
        for (name, text) in texts {
            guard let text else { continue }
            let count = text.utf8.count
            if count > 255 { return "the property \(name) is \(count) bytes long; AMQP allows 255" }
            size += 1 + count
        }
        if let expiration, expiration.isEmpty || !expiration.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            return "the property expiration must consist of digits, in milliseconds"
        }
        if !headers.isEmpty {
            if !FieldValue.hasFittingNames(headers) { return "the name of a header is longer than 255 bytes" }
            size += FieldValue.encodedSize(of: headers)
        }
        if size > frameMaximum { return "the headers need \(size) bytes; they must fit into one frame of \(frameMaximum) bytes" }
        return nil
    }
}
