import Daemon
import Foundation
import Glibc

/// The operator who runs this command. The history of a job names each operator who changed it.
struct OperatorIdentity: Sendable, CustomStringConvertible {
    let user: String
    let host: String

    /// Under `sudo` the user is both the caller (`SUDO_USER`) and the user that the command runs as.
    static var current: OperatorIdentity {
        let sudoer = ProcessInfo.processInfo.environment["SUDO_USER"].flatMap { $0.isEmpty ? nil : $0 }
        var name = [CChar](repeating: 0, count: 256)
        let host = gethostname(&name, name.count - 1) == 0 ? String(decoding: name.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self) : "?"
        return OperatorIdentity(user: sudoer.map { "\($0) as \(NSUserName())" } ?? NSUserName(), host: host)
    }

    /// Distinguishes this run of the command from every other one.
    static let commandID = ProcessName.mark

    var description: String { "\(user) at \(host)".printable }
}
