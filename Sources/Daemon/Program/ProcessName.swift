import Glibc

/// Names one start of one program, for the ledger: no other start has the same name, and no other program can guess it.
package enum ProcessName {
    /// The process id, for people, and 64 random bits.
    package static let mark: String = {
        let random = String(UInt64.random(in: .min ... .max), radix: 16)
        return "\(getpid())-\(String(repeating: "0", count: 16 - random.count))\(random)"
    }()

    package static func make(_ program: String) -> String { "\(program)-\(mark)" }
}
