package import Secrets

/// Where the bearer token comes from. Section `auth`.
package struct AuthSettings: Sendable {
    package var mode = Mode.none
    /// For `file`: read again whenever it changes.
    package var tokenFile: String?
    /// For `authorise`: the call that hands out tokens, and the merchant's credentials for it.
    package var url: String?
    package var clientID: String?
    package var clientSecret: Secret?
    /// PEM; given, each authorise call is signed with it. For callers without a fixed IP address.
    package var publicKeyFile: String?
    package var headers = Headers()
    /// Where the answer holds token and expiry: member names with dots between them. Assumed.
    package var tokenPath = "data.token"
    package var expiryPath = "data.expiry"

    package init() {}

    /// The three ways to a token.
    package enum Mode: String, CaseIterable, Sendable {
        /// No token is sent.
        case none
        /// Something else keeps a token in a file.
        case file
        /// The worker asks for tokens itself.
        case authorise
    }

    /// Header names of the authorise call. Assumed, from a well-known API with the same wording.
    package struct Headers: Sendable {
        package var clientID = "X-Client-Id"
        package var clientSecret = "X-Client-Secret"
        package var signature = "X-Cf-Signature"

        package init() {}
    }
}
