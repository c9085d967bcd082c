/// Why a text is no AMQP URL. The text itself is never repeated: it may hold a password.
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
        case .query: "the broker's URL must not have a query or a fragment: time limits and TLS have configuration keys of their own"
        case .misplacedAt: "the virtual host in the broker's URL holds an @: in user and password write / as %2f, in all parts @ as %40"
        case .host: "the broker's URL names no host: write amqp://user:password@host:port/vhost, an IPv6 address in brackets"
        case .port: "the port in the broker's URL must be a number from 1 to 65535"
        case .encoding(let part): "the \(part) in the broker's URL is not valid percent-encoded UTF-8: write % as %25 and / as %2f"
        }
    }
}
