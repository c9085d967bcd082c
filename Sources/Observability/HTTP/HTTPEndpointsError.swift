import Glibc

/// Why the HTTP endpoints cannot listen. A fault of the configuration, so it ends the process with exit code 78.
package enum HTTPEndpointsError: Error, Equatable, CustomStringConvertible {
    case addressInUse(host: String, port: Int)
    case addressNotHere(host: String, port: Int)
    case notPermitted(host: String, port: Int)
    case unresolvable(host: String)
    case other(host: String, port: Int, code: Int32)

    init(configuration: HTTPEndpoints.Configuration, code: Int32) {
        let (host, port) = (configuration.host, configuration.port)
        self =
            switch code {
            case EADDRINUSE: .addressInUse(host: host, port: port)
            case EADDRNOTAVAIL: .addressNotHere(host: host, port: port)
            case EACCES, EPERM: .notPermitted(host: host, port: port)
            default: .other(host: host, port: port, code: code)
            }
    }

    package var description: String {
        switch self {
        case .addressInUse(let host, let port):
            "http.listen: another program is listening on \(host):\(port) already; stop it or choose another port"
        case .addressNotHere(let host, let port):
            "http.listen: this machine has no address \(host), so \(host):\(port) cannot be listened on; use one of its own addresses"
        case .notPermitted(let host, let port):
            "http.listen: this user may not listen on \(host):\(port); choose a port above 1023"
        case .unresolvable(let host):
            "http.listen: the host name \(host) could not be resolved; use an address such as 127.0.0.1"
        case .other(let host, let port, let code):
            "http.listen: listening on \(host):\(port) failed with system error \(code) (\(String(cString: strerror(code)))); choose another address"
        }
    }
}
