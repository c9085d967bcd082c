package import Secrets

extension BOSConfiguration {
    /// Where the bearer token comes from.
    package enum Credentials: Sendable {
        /// Calls carry no token.
        case none
        /// Another program writes the token to this file, and writes it again when the token changes. White space around the token is ignored.
        case file(path: String)
        /// The authorise call.
        case authorise(Authorise)
    }

    /// The authorise call. Known: it exists, a token is valid for 600 seconds, and it may need a signature with a public key. Everything else is
    /// assumed, after a payout API whose description has the same wording. Source: bos-api.md#known-seen-assumed.
    package struct Authorise: Sendable {
        package var url: String
        package var clientID: String
        package var clientSecret: Secret
        /// The path of a PEM file with an RSA public key. If it is set, the call carries a signature; callers without a fixed IP address need one.
        package var publicKeyFile: String?
        package var clientIDHeader = "X-Client-Id"
        package var clientSecretHeader = "X-Client-Secret"
        package var signatureHeader = "X-Cf-Signature"
        /// Where the token is in the answer: member names from the outermost object inwards, with dots between them.
        package var tokenPath = "data.token"
        /// Where the expiry in Unix seconds is, written as in `tokenPath`. If the expiry is missing or unlikely, `lifetime` applies.
        package var expiryPath = "data.expiry"
        /// How long a token is valid where the answer does not say it.
        package var lifetime: Duration = .seconds(600)
        /// For one authorise call as a whole.
        package var timeout: Duration = .seconds(10)
        /// The shortest time between two renewals because of a refused token. It keeps the calls few when BOS refuses every token.
        package var renewalInterval: Duration = .seconds(10)

        package init(url: String, clientID: String, clientSecret: Secret) {
            self.url = url
            self.clientID = clientID
            self.clientSecret = clientSecret
        }
    }
}

/// Identifies one token among those that replaced each other, without its text.
package struct CredentialVersion: Sendable, Hashable {
    package let number: UInt64

    package init(_ number: UInt64) { self.number = number }
}

/// Whether calls can be authenticated now. Readiness and the metric `bos_token_expires_seconds` show it.
package struct CredentialState: Sendable, Equatable {
    /// `false`: every call would end as `notSent(.tokenUnavailable)`.
    package let isUsable: Bool
    /// When the token expires, in Unix seconds. `nil` if that is unknown or there is no token.
    package let expiresAt: Double?
    /// Why there is no usable token, in one sentence without a secret. `nil` if there is one.
    package let problem: String?
    /// When the token was last replaced, in Unix seconds; `nil` if this process has not seen it. For a file: when its new content was read.
    package var renewedAt: Double?
    /// When the authorise call last failed, and why, in one sentence without a secret.
    package var failure: Failure?
    /// When BOS last refused the credentials of a call, in Unix seconds.
    package var refusedAt: Double?

    package init(isUsable: Bool, expiresAt: Double?, problem: String?, renewedAt: Double? = nil, failure: Failure? = nil) {
        self.isUsable = isUsable
        self.expiresAt = expiresAt
        self.problem = problem
        self.renewedAt = renewedAt
        self.failure = failure
    }

    /// A renewal that has failed.
    package struct Failure: Sendable, Equatable {
        /// In Unix seconds.
        package var at: Double
        /// One sentence without a secret.
        package var problem: String

        package init(at: Double, problem: String) {
            self.at = at
            self.problem = problem
        }
    }
}
