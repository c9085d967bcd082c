private import Glibc
import Ledger

/// A file beside a ledger that was found damaged, for the processes beside and after the one that has found it. Most of a damaged file can
/// still be written, and recharges would go out by records of which some are missing.
enum DamageMark {
    private static func file(of path: String) -> String { path + ".damaged" }

    /// A disk that is dying may not take it; whoever knows of the damage tries again with each write that it refuses.
    static func set(on path: String, _ error: LedgerError) {
        let descriptor = open(file(of: path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let text = Array("\(error)\n".utf8)
        _ = write(descriptor, text, text.count)
    }

    /// - Throws: ``LedgerError/damaged(_:)`` until a person has removed the mark.
    static func check(_ path: String) throws(LedgerError) {
        // Whatever is there, a link that leads nowhere among it.
        var status = stat()
        guard lstat(file(of: path), &status) == 0 else { return }
        throw .damaged("\(path) is marked as damaged, and the mark says why; once the ledger is whole again, remove \(file(of: path))")
    }
}
