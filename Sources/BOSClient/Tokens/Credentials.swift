package import Secrets

extension BOSConfiguration {
    /// Where the bearer token comes from.
    package enum Credentials: Sendable {
        /// Calls carry no token.
        case none
        /// A file that something else writes anew when the token changes; white space around the token is ignored.
        case file(path: String)
        /// The authorise call.
        case authorise(Authorise)
    }

    /// The authorise call. Known: it exists, a token lives 600 seconds, a signature by a public key may be needed. Everything else is
    /// assumed from a payout API whose description has the same wording.
    package struct Authorise: Sendable {
        package var url: String
        package var clientID: String
        package var clientSecret: Secret
        /// A PEM file with an RSA public key; with it a signature is sent, for callers without a fixed IP address.
        package var publicKeyFile: String?
        package var clientIDHeader = "X-Client-Id"
        package var clientSecretHeader = "X-Client-Secret"
        package var signatureHeader = "X-Cf-Signature"
        /// Member names from the answer's outermost object down to the token, with dots between.
        package var tokenPath = "data.token"
        /// As `tokenPath`, to the expiry in Unix seconds; a missing or unlikely expiry means `lifetime`.
        package var expiryPath = "data.expiry"
        package var lifetime: Duration = .seconds(600)
        package var timeout: Duration = .seconds(10)
        /// A refused token is replaced by force at most once in this time, so that a BOS that refuses everything is not flooded.
        package var renewalInterval: Duration = .seconds(10)

        package init(url: String, clientID: String, clientSecret: Secret) {
            self.url = url
            self.clientID = clientID
            self.clientSecret = clientSecret
        }
    }
}

/// Tells one token from the one that replaced it, without holding either.
package struct CredentialVersion: Sendable, Hashable {
    package let number: UInt64

    package init(_ number: UInt64) { self.number = number }
}

/// Whether calls can be authenticated now, for readiness and the metric of the expiry.
package struct CredentialState: Sendable, Equatable {
    /// False while every call would end as `notSent(.tokenUnavailable)`.
    package let isUsable: Bool
    /// When the token expires in Unix seconds; `nil` if that is not known or there is no token.
    package let expiresAt: Double?
    /// Why there is no usable token, in one sentence; `nil` if there is.
    package let problem: String?
}
