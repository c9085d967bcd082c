package import Secrets

/// Where the bearer token comes from.
package protocol TokenSource: Sendable {
    /// The token to send now. It waits only if there is no token yet or the token has expired.
    func token() async -> TokenAnswer
    /// Gets another token after BOS refused this one. All calls that were refused with the same version share one renewal.
    /// - Returns: whether there is a newer token now.
    func renew(refused: CredentialVersion) async -> Bool
    /// Whether a call could be authenticated now.
    var state: CredentialState { get }
    /// Keeps the token fresh until the task is cancelled.
    func run() async
}

/// The credentials for one call.
package enum TokenAnswer: Sendable {
    /// The call has no `Authorization` header.
    case anonymous
    case token(Secret, CredentialVersion)
    /// No call can be sent now. The text says why, without a secret.
    case unavailable(String)
}

/// For an API that needs no token.
struct NoTokenSource: TokenSource {
    func token() async -> TokenAnswer { .anonymous }
    func renew(refused: CredentialVersion) async -> Bool { false }
    var state: CredentialState { CredentialState(isUsable: true, expiresAt: nil, problem: nil) }
    func run() async {}
}

extension Secret {
    /// Whether this can be sent in an HTTP header: 1 to 16,384 characters of visible ASCII.
    var isToken: Bool { (1...16_384).contains(revealed.utf8.count) && revealed.utf8.allSatisfy { (0x21...0x7E).contains($0) } }
}
