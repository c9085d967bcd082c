import Daemon
import Foundation
import Glibc

/// Who is at the keyboard: a job's history names everybody who had a hand in it.
struct Person: Sendable, CustomStringConvertible {
    let user: String
    let host: String

    /// Behind `sudo` it is the person who called it, not the user that the command runs as.
    static var current: Person {
        let sudoer = ProcessInfo.processInfo.environment["SUDO_USER"].flatMap { $0.isEmpty ? nil : $0 }
        var name = [CChar](repeating: 0, count: 256)
        let host = gethostname(&name, name.count - 1) == 0 ? String(decoding: name.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self) : "?"
        return Person(user: sudoer.map { "\($0) as \(NSUserName())" } ?? NSUserName(), host: host)
    }

    /// Tells this command from every other one that runs.
    static let command = ProcessName.mark

    var description: String { "\(user) at \(host)".printable }
}
