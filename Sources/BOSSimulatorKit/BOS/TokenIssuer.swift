/// Issues the tokens of the authorise call, and decides which tokens a call may use.
struct TokenIssuer: Sendable {
    /// Whether BOS refuses calls without a valid token with HTTP 401 and code 16.
    let isTokenRequired: Bool
    let lifetime: Duration
    /// A token that never expires, for callers that do not use the authorise call.
    let fixedToken: String?
    /// The client secret that the authorise call accepts; `nil`: any.
    let clientSecret: String?
    /// Unix time of the start, in seconds.
    let startedAt: Double
    /// How many authorise calls there were.
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

    /// Issues a new token.
    /// - Returns: the token, and its expiry as Unix time in seconds.
    mutating func issue(at now: Duration) -> (token: String, expires: Int64) {
        expiries = expiries.filter { $0.value > now }
        issued += 1
        // Random, so that a token from an earlier run, or from before a reset, is never valid.
        let token = "simulated-\(issued)-\(String(UInt64.random(in: .min ... .max), radix: 16))"
        expiries[token] = now + lifetime
        return (token, Int64(startedAt + (now + lifetime) / .seconds(1)))
    }

    /// Whether the caller's client id and secret entitle it to a token.
    func mayAuthorise(_ caller: Caller) -> Bool {
        guard let id = caller.clientID, let secret = caller.clientSecret, !id.isEmpty, !secret.isEmpty else { return false }
        return clientSecret == nil || secret == clientSecret
    }

    /// Whether a call with this token is allowed.
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

/// The caller's credentials, as the headers of a call give them.
struct Caller: Sendable {
    /// The part of `Authorization` after `Bearer `.
    var token: String?
    var clientID: String?
    var clientSecret: String?
}
