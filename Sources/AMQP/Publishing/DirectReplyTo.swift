private import FoundationEssentials

/// The name of a caller that waits for a direct reply. RabbitMQ hands such a message to the caller's channel, without a queue.
///
/// The broker makes the name (`amq.rabbitmq.reply-to.PROCESS.KEY`) and writes it into the request's `reply_to`. Source: RabbitMQ's
/// guide "Direct Reply-to".
package enum DirectReplyTo {
    /// The first part of every such name.
    package static let prefix = "amq.rabbitmq.reply-to."

    /// Whether a broker can have made the name. RabbitMQ 3.10 decodes the name of a published message without a check. A name that was
    /// altered on its way ends the channel's process in the broker, and with it the connection (541).
    static func isWellFormed(_ name: String) -> Bool {
        guard name.hasPrefix(prefix) else { return false }
        let parts = name.dropFirst(prefix.count).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty, let process = Data(base64Encoded: String(parts[0])) else { return false }
        return isProcess(Array(process))
    }

    /// Whether the bytes are an Erlang process identifier: 131, the kind of process, the node's name as an atom, 8 bytes of numbers, and
    /// the node's creation. Source: Erlang/OTP, "External Term Format".
    private static func isProcess(_ bytes: [UInt8]) -> Bool {
        guard bytes.count > 5, bytes[0] == 131 else { return false }
        let creation: Int
        switch bytes[1] {
        case 88: creation = 4
        case 103: creation = 1
        default: return false
        }
        let (start, length): (Int, Int)
        switch bytes[2] {
        case 115, 119: (start, length) = (4, Int(bytes[3]))
        case 100, 118: (start, length) = (5, Int(bytes[3]) << 8 | Int(bytes[4]))
        default: return false
        }
        guard bytes.count == start + length + 8 + creation else { return false }
        let node = bytes[start..<start + length]
        return node.contains(UInt8(ascii: "@")) && node.allSatisfy { (0x21...0x7E).contains($0) }
    }
}

extension Connection {
    /// Whether a caller waits for a direct reply under this name now. A missing caller does not affect the session.
    ///
    /// Publishing does not show this. With `mandatory`, RabbitMQ 3.10 returns messages that it has delivered to the caller, and
    /// RabbitMQ 4.2 returns nothing although the caller is gone. A passive declare of the name shows it in all versions. Source:
    /// RabbitMQ's guide "Direct Reply-to", and the behaviour of 3.10.8.
    ///
    /// - Throws: why it is unknown. Nothing was sent to the caller.
    package nonisolated func hasListener(directReplyTo name: String) async throws(PublishError) -> Bool {
        guard DirectReplyTo.isWellFormed(name) else { return false }
        do throws(SessionError) {
            _ = try await depth(of: name)
            return true
        } catch {
            switch error {
            case .noSuchQueue: return false
            case .noSession(let reason) where !status.isBlocked: throw .notSent(reason)
            case .closedByBroker(let code, let text) where code != SessionError.forced: throw .turnedDown(code: code, text: text)
            default: throw .notAsked("\(error)")
            }
        }
    }
}
