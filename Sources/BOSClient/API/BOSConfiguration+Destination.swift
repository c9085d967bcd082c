private import Crypto
private import Foundation

extension BOSConfiguration {
    /// Where recharges go, as text that may be stored and shown: scheme, host, port and path of the recharge call, and the account.
    ///
    /// Two configurations with the same destination send recharges to the same API and account; a proof that a recharge was not executed
    /// holds for its own destination only. The host's letter case, the default port and slashes at the end of the base URL do not count.
    /// No secret and no user of a URL is part of it. The account is the source of the token, which is
    /// `auth.mode`: `authorise` with a digest of the client id, `file`, or `none`.
    package var destination: String { "\(Self.normalized(rechargeURL)) (auth \(account))" }

    /// The URL of `DoRecharge`.
    var rechargeURL: String { url(endpoints.recharge) }

    /// The URL of one call: the base URL without slashes at its end, a slash, and the path.
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
