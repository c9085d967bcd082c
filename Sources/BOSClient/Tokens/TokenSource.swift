package import Secrets

/// Where the bearer token comes from.
package protocol TokenSource: Sendable {
    /// The token to send now. Waits only when there is none yet or it has expired.
    func token() async -> TokenAnswer
    /// Gets another token after BOS refused this version.
    /// - Returns: whether there is a newer token now. One renewal serves everybody who was refused with the same version.
    func renew(refused: CredentialVersion) async -> Bool
    /// Whether a call could be authenticated now.
    var state: CredentialState { get }
    /// Keeps the token fresh until the task is cancelled.
    func run() async
}

/// What a call is to be sent with.
package enum TokenAnswer: Sendable {
    /// No `Authorization` header.
    case anonymous
    case token(Secret, CredentialVersion)
    /// No call can be sent now, and why.
    case unavailable(String)
}

/// For an API that asks for no token.
struct NoTokenSource: TokenSource {
    func token() async -> TokenAnswer { .anonymous }
    func renew(refused: CredentialVersion) async -> Bool { false }
    var state: CredentialState { CredentialState(isUsable: true, expiresAt: nil, problem: nil) }
    func run() async {}
}

extension Secret {
    /// Whether this can stand in an HTTP header: visible ASCII, not empty, not absurdly long.
    var isToken: Bool { (1...16_384).contains(revealed.utf8.count) && revealed.utf8.allSatisfy { (0x21...0x7E).contains($0) } }
}
