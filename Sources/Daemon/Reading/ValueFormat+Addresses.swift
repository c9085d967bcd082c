import FoundationEssentials
import Observability

extension ValueFormat<HTTPEndpoints.Configuration> {
    /// `host:port`. An IPv6 address stands in brackets.
    static var listenAddress: Self {
        Self(
            expectation: "an address and a port, such as 127.0.0.1:9464 or [::1]:9464",
            parse: { $0.first.flatMap(parseListenAddress) },
            format: { $0.host.contains(":") ? "[\($0.host)]:\($0.port)" : "\($0.host):\($0.port)" })
    }
}

extension ValueFormat<String> {
    /// The path of the ledger's file, written `sqlite:PATH`. The programs have no other store.
    static var ledgerURL: Self {
        Self(
            expectation: "sqlite:PATH, such as sqlite:/var/lib/bos-worker/ledger.sqlite",
            parse: { $0.first.flatMap(parseLedgerPath) },
            format: { "sqlite:\($0)" })
    }
}

private func parseListenAddress(_ text: String) -> HTTPEndpoints.Configuration? {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
        host = host.dropFirst().dropLast()
    } else if host.contains(":") {
        return nil
    }
    guard !host.isEmpty, host.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || ".:-%".contains($0)) }) else { return nil }
    var address = HTTPEndpoints.Configuration()
    address.host = String(host)
    address.port = Int(port)
    return address
}

private func parseLedgerPath(_ text: String) -> String? {
    guard text.hasPrefix("sqlite:"), !text.hasPrefix("sqlite://"), text.count > "sqlite:".count else { return nil }
    return String(text.dropFirst("sqlite:".count))
}

/// Whether a text is an `http` or `https` URL that logs may show: without user, password, query and fragment.
func isWebURL(_ text: String) -> Bool {
    guard let parts = URLComponents(string: text), parts.scheme == "https" || parts.scheme == "http" else { return false }
    guard let host = parts.host, !host.isEmpty else { return false }
    return parts.user == nil && parts.password == nil && parts.query == nil && parts.fragment == nil
}

/// Whether the scheme of this URL is `http`, so that requests to it are not encrypted.
func isPlainURL(_ text: String) -> Bool { URLComponents(string: text)?.scheme?.lowercased() == "http" }

/// Whether this URL leads to this machine: `localhost`, 127.0.0.0/8 or ::1.
func isLoopbackURL(_ text: String) -> Bool {
    guard let host = URLComponents(string: text)?.host?.lowercased() else { return false }
    if ["localhost", "::1", "[::1]"].contains(host) { return true }
    let octets = host.split(separator: ".", omittingEmptySubsequences: false)
    return octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil && $0.utf8.allSatisfy { $0 != 0x2B } }
}

/// What would be right for the broker's URL. The characters named here occur in generated passwords and end a part of the URL, or the entry of a list.
let brokerURLForm =
    "an amqp:// or amqps:// URL, in whose user and password % is written as %25, / as %2f, # as %23, ? as %3f and a comma as %2c"

/// Whether a text looks like a broker's URL. `AMQPURL` checks it in detail.
func isBrokerURL(_ text: String) -> Bool {
    guard let parts = URLComponents(string: text), parts.scheme == "amqp" || parts.scheme == "amqps" else { return false }
    return parts.host.map { !$0.isEmpty } ?? false
}
