/// Why a client cannot be made from a configuration.
package enum BOSConfigurationError: Error, Equatable, CustomStringConvertible {
    case invalidURL(String)
    /// - Parameter reason: why the file cannot be used, as a clause.
    case publicKey(file: String, reason: String)

    package var description: String {
        switch self {
        case .invalidURL(let url): "\"\(url)\" is not the URL of an HTTP server; it should look like https://api.bos.center/api/BOS"
        case .publicKey(let file, let reason):
            "the public key file \(file) cannot be used: \(reason); it must be an RSA public key in PEM form"
        }
    }
}
