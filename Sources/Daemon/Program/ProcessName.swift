import Glibc

/// The name that one start of one program has in the ledger.
///
/// No other start has the same name, and no other program can guess it.
package enum ProcessName {
    /// The process id, which people can look up, and 64 random bits.
    package static let mark: String = {
        let random = String(UInt64.random(in: .min ... .max), radix: 16)
        return "\(getpid())-\(String(repeating: "0", count: 16 - random.count))\(random)"
    }()

    /// The name of this process, such as `bos-worker-4711-0123456789abcdef`.
    package static func make(_ program: String) -> String { "\(program)-\(mark)" }
}
