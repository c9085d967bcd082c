import Foundation
import Ledger

/// A file beside a ledger that was found damaged: whoever starts again is to know what the process before it has seen. Most of a damaged
/// file can still be written, and recharges would go out by records of which some are missing.
enum DamageMark {
    private static func file(of path: String) -> String { path + ".damaged" }

    /// As good as it goes: a disk that is dying may not take it, and then the next process has to find the damage itself.
    static func set(on path: String, _ error: LedgerError) {
        try? Data("\(error)\n".utf8).write(to: URL(fileURLWithPath: file(of: path)))
    }

    /// - Throws: ``LedgerError/damaged(_:)`` until a person has removed the mark.
    static func check(_ path: String) throws(LedgerError) {
        guard FileManager.default.fileExists(atPath: file(of: path)) else { return }
        throw .damaged("\(path) was found so before this start; once it is whole again, remove \(file(of: path))")
    }
}
