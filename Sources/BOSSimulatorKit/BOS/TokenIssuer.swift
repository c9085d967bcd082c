/// The tokens that the authorise call gave out, and which of them a call may use.
struct TokenIssuer: Sendable {
    /// Whether calls without a valid token are refused with HTTP 401 and code 16.
    let isTokenRequired: Bool
    let lifetime: Duration
    /// A token that is accepted for ever, for token sources that do not ask for one.
    let fixedToken: String?
    /// The client secret that the authorise call insists on; any is accepted if `nil`.
    let clientSecret: String?
    /// Unix time of the start, in seconds.
    let startedAt: Double
    var requests = 0
    private var expiries: [String: Duration] = [:]
    private var issued = 0

    init(isTokenRequired: Bool, lifetime: Duration, fixedToken: String?, clientSecret: String?, startedAt: Double) {
        self.isTokenRequired = isTokenRequired
        self.lifetime = lifetime
        self.fixedToken = fixedToken
        self.clientSecret = clientSecret
        self.startedAt = startedAt
    }

    /// A new token and its expiry in Unix seconds.
    mutating func issue(at now: Duration) -> (token: String, expires: Int64) {
        expiries = expiries.filter { $0.value > now }
        issued += 1
        // Random, so that a token of an earlier run or from before a reset is not mistaken for this one.
        let token = "simulated-\(issued)-\(String(UInt64.random(in: .min ... .max), radix: 16))"
        expiries[token] = now + lifetime
        return (token, Int64(startedAt + (now + lifetime) / .seconds(1)))
    }

    /// Whether the caller may have a token.
    func mayAuthorise(_ caller: Caller) -> Bool {
        guard let id = caller.clientID, let secret = caller.clientSecret, !id.isEmpty, !secret.isEmpty else { return false }
        return clientSecret == nil || secret == clientSecret
    }

    /// Whether a call with this token may go on.
    func accepts(_ token: String?, at now: Duration) -> Bool {
        guard isTokenRequired else { return true }
        guard let token else { return false }
        return token == fixedToken || expiries[token].map { $0 > now } ?? false
    }

    mutating func revokeAll() {
        expiries = [:]
        requests = 0
    }
}

/// Who the headers of a call say is calling.
struct Caller: Sendable {
    /// What `Authorization` carries after `Bearer `.
    var token: String?
    var clientID: String?
    var clientSecret: String?
}
