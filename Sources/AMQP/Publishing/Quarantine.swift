private import Synchronization

/// The messages that were unanswered when the broker closed a connection over an error. They are kept across sessions.
///
/// Such a close does not say which message caused it. When one of these messages is published again, it goes to the trial channel,
/// where it is alone on the wire. If the broker closes the connection again meanwhile, that message is the cause.
final class Quarantine: Sendable {
    private struct Identity: Hashable {
        let exchange: String
        let routingKey: String
        let messageID: String?
        /// The hash of the body, for a message without an id.
        let body: Int?

        init(_ publish: Publish) {
            exchange = publish.exchange
            routingKey = publish.routingKey
            messageID = publish.message.properties.messageID
            body = messageID == nil ? publish.message.body.hashValue : nil
        }
    }

    /// At this number all entries are dropped in favour of new ones, because callers may never publish some of the messages again.
    private static let maximum = 32_768

    private let identities = Mutex<Set<Identity>>([])

    func add(_ publish: Publish) {
        identities.withLock { identities in
            if identities.count >= Self.maximum { identities = [] }
            identities.insert(Identity(publish))
        }
    }

    /// Removes a message. Returns whether it was there.
    func remove(_ publish: Publish) -> Bool {
        identities.withLock { !$0.isEmpty && $0.remove(Identity(publish)) != nil }
    }
}
