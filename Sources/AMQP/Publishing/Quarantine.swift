private import Synchronization

/// Messages that were unanswered when the broker closed a connection over an error, kept across sessions.
///
/// Such a close does not say which message it is about. When one of them is published again it goes to the trial publishing, where it is alone on the wire: a
/// second close with it unanswered there is its own.
final class Quarantine: Sendable {
    private struct Identity: Hashable {
        let exchange: String
        let routingKey: String
        let messageID: String?
        /// Of a message without an id.
        let body: Int?

        init(_ publish: Publish) {
            exchange = publish.exchange
            routingKey = publish.routingKey
            messageID = publish.message.properties.messageID
            body = messageID == nil ? publish.message.body.hashValue : nil
        }
    }

    /// Messages that are not published again are forgotten with all others, in favour of new ones.
    private static let maximum = 32_768

    private let identities = Mutex<Set<Identity>>([])

    func add(_ publish: Publish) {
        identities.withLock { identities in
            if identities.count >= Self.maximum { identities = [] }
            identities.insert(Identity(publish))
        }
    }

    /// Takes a message out, if it is among them.
    func remove(_ publish: Publish) -> Bool {
        identities.withLock { !$0.isEmpty && $0.remove(Identity(publish)) != nil }
    }
}
