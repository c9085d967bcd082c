package import Secrets

/// The address of a broker with the login: `amqp://user:password@host:port/vhost`, or `amqps://…` for TLS.
///
/// Source of the form: <https://www.rabbitmq.com/uri-spec.html>. Query parameters are refused, because each of them has a
/// configuration key of its own.
package struct AMQPURL: Sendable, CustomStringConvertible {
    package let usesTLS: Bool
    package let host: String
    package let port: UInt16
    package let user: String
    package let password: Secret
    package let virtualHost: String

    /// The URL without its password, for logs and status pages.
    package var description: String {
        let shownHost = host.contains(":") ? "[\(host)]" : host
        let shownVirtualHost = virtualHost == "/" ? "%2f" : virtualHost
        return "\(usesTLS ? "amqps" : "amqp")://\(user)@\(shownHost):\(port)/\(shownVirtualHost)"
    }

    /// Parses a URL. The defaults are user `guest`, password `guest`, port 5672 (5671 for TLS) and virtual host `/`.
    ///
    /// - Throws: `AMQPURLError`, which never repeats the text.
    package init(_ text: String) throws(AMQPURLError) {
        var rest: Substring
        if text.hasPrefix("amqps://") {
            (usesTLS, rest) = (true, text.dropFirst(8))
        } else if text.hasPrefix("amqp://") {
            (usesTLS, rest) = (false, text.dropFirst(7))
        } else {
            throw .scheme
        }
        guard !rest.contains("?"), !rest.contains("#") else { throw .query }

        let pieces = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        // An unescaped slash in a password would move the rest of the password into the virtual host, which is shown.
        guard pieces.count < 2 || !pieces[1].contains("@") else { throw .misplacedAt }
        let path = pieces.count > 1 ? try Self.decoded(pieces[1], of: "virtual host") : ""
        virtualHost = path.isEmpty ? "/" : path
        rest = pieces[0]

        var credentials: Substring = "guest:guest"
        if let at = rest.lastIndex(of: "@") {
            credentials = rest[..<at]
            rest = rest[rest.index(after: at)...]
        }
        let parts = credentials.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        user = try Self.decoded(parts[0], of: "user")
        password = Secret(parts.count > 1 ? try Self.decoded(parts[1], of: "password") : "")
        (host, port) = try Self.address(rest, standardPort: usesTLS ? 5671 : 5672)
    }

    private static func address(_ text: Substring, standardPort: UInt16) throws(AMQPURLError) -> (String, UInt16) {
        var host = text
        var portText: Substring = ""
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw .host }
            host = text[text.index(after: text.startIndex)..<end]
            portText = text[text.index(after: end)...]
            guard portText.isEmpty || portText.hasPrefix(":") else { throw .host }
            portText = portText.dropFirst()
        } else if let colon = text.lastIndex(of: ":") {
            host = text[..<colon]
            portText = text[text.index(after: colon)...]
        }
        let name = try decoded(host, of: "host")
        guard !name.isEmpty else { throw .host }
        if portText.isEmpty { return (name, standardPort) }
        guard let port = UInt16(portText), port > 0 else { throw .port }
        return (name, port)
    }

    /// Percent-decodes one part of the URL. A zero byte is refused, because it would end the text early in the C library.
    private static func decoded(_ text: Substring, of part: String) throws(AMQPURLError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                throw .encoding(part: part)
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard !bytes.contains(0), let result = String(validating: bytes, as: UTF8.self) else { throw .encoding(part: part) }
        return result
    }
}

/// Why a text is not an AMQP URL. The error never repeats the text, which may hold a password.
package enum AMQPURLError: Error, Equatable, CustomStringConvertible {
    case scheme
    case query
    case misplacedAt
    case host
    case port
    case encoding(part: String)

    package var description: String {
        switch self {
        case .scheme: "the broker's URL must begin with amqp:// or amqps://"
        case .query: "the broker's URL must not have a query or a fragment; time limits and TLS have their own configuration keys"
        case .misplacedAt: "the virtual host in the broker's URL contains an @; write / as %2f in user and password, and @ as %40"
        case .host: "the broker's URL names no host; write amqp://user:password@host:port/vhost, with an IPv6 address in brackets"
        case .port: "the port in the broker's URL must be a number from 1 to 65535"
        case .encoding(let part): "the \(part) in the broker's URL is not valid percent-encoded UTF-8; write % as %25 and / as %2f"
        }
    }
}
