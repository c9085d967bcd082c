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

    /// The name of this machine, as `uname -n` prints it.
    static let host: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "this machine" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    /// The name of this process, such as `bos-worker-4711-0123456789abcdef`.
    package static func make(_ program: String) -> String { "\(program)-\(mark)" }
}
