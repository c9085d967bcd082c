private import Glibc
import Ledger

/// A file beside a damaged ledger. It stops the other processes that use the ledger, and later ones.
///
/// Most of a damaged file can still be written. Recharges would then be sent by incomplete records.
enum CorruptionMarker {
    private static func file(of path: String) -> String { path + ".damaged" }

    /// Creates the marker, with the error as its content. A failing disk may refuse it; the caller tries again with each write that it refuses.
    static func set(on path: String, because error: LedgerError) {
        let descriptor = open(file(of: path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let text = Array("\(error)\n".utf8)
        _ = write(descriptor, text, text.count)
    }

    /// - Throws: ``LedgerError/damaged(_:)`` until the operator has removed the marker.
    static func check(_ path: String) throws(LedgerError) {
        // Anything under the marker's name counts, even a link that leads nowhere.
        var status = stat()
        guard lstat(file(of: path), &status) == 0 else { return }
        throw .damaged("\(path) is marked as damaged, and the marker says why; once the ledger is whole again, remove \(file(of: path))")
    }
}
