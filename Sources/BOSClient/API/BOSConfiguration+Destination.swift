private import Crypto
private import Foundation

extension BOSConfiguration {
    /// Where recharges go: scheme, host, port and path of the recharge call, and the account. The text may be stored and shown.
    ///
    /// Two configurations with the same destination send recharges to the same API and account. A proof that a recharge was not executed
    /// holds for one destination only. The host's letter case, the default port and slashes at the end of the base URL make no difference.
    /// The text contains no secret and no user name of the URL. The account is the value of `auth.mode` (`authorise`, `file` or `none`); after
    /// `authorise` follows a digest of the client id.
    package var destination: String { "\(Self.normalized(rechargeURL)) (auth \(account))" }

    /// The URL of `DoRecharge`.
    var rechargeURL: String { url(endpoints.recharge) }

    /// The URL of one call: the base URL without slashes at its end, then one slash, then the path.
    func url(_ path: String) -> String {
        var base = baseURL[...]
        while base.hasSuffix("/") { base = base.dropLast() }
        return "\(base)/\(path)"
    }

    private var account: String {
        switch credentials {
        case .none: return "none"
        case .file: return "file"
        case .authorise(let authorise):
            let digest = SHA256.hash(data: Data(authorise.clientID.utf8)).prefix(4)
            return "authorise " + digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }

    private static func normalized(_ text: String) -> String {
        guard let parts = URLComponents(string: text), let host = parts.host else { return "an unreadable URL" }
        let scheme = (parts.scheme ?? "https").lowercased()
        let port = parts.port ?? (scheme == "http" ? 80 : 443)
        return "\(scheme)://\(host.lowercased()):\(port)\(parts.path)"
    }
}
