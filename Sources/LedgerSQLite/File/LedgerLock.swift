private import Glibc
package import Ledger
private import Synchronization

/// The right of one process to work with a ledger's file: a lock on `<ledger>.lock` in the same folder.
///
/// The kernel frees it when its holder ends, however it ends, so a successor never waits for a dead one.
package final class LedgerLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// - Parameters:
    ///   - path: the ledger's file.
    ///   - owner: what a person is told who is refused.
    /// - Throws: ``LedgerError/locked(_:)`` if another live process holds it.
    package init(ledger path: String, owner: String) throws(LedgerError) {
        let file = path + ".lock"
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failure(file, errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let holder = Self.read(descriptor)
            close(descriptor)
            guard code == EWOULDBLOCK else { throw Self.failure(file, code) }
            throw .locked(
                "\(path) belongs to the running \(holder); one worker at a time can use a SQLite ledger: stop it first, or give "
                    + "each worker a virtual host and a ledger of its own (amqp.urls, ledger.url)")
        }
        // For people only: the lock is the kernel's, whatever the file says.
        let text = Array("process \(getpid()) (\(owner))\n".utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.count, 0) == text.count else {
            let code = errno
            close(descriptor)
            throw Self.failure(file, code)
        }
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    /// Frees the lock. The file stays: removing it would let two processes lock two files of one name.
    package func release() {
        descriptor.withLock { descriptor in
            guard let open = descriptor else { return }
            // Said, not left to the close: a child process on its way to its own program still shares the open file.
            flock(open, LOCK_UN)
            close(open)
            descriptor = nil
        }
    }

    private static func read(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let line = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: "\n").first
        return line.map(String.init) ?? "process of unknown number"
    }

    private static func failure(_ file: String, _ code: Int32) -> LedgerError {
        let reason = "\(file): \(String(cString: strerror(code)))"
        return switch code {
        case ENOENT: .unavailable("\(reason); create the folder, writable for the user of this process")
        case EACCES, EROFS, EPERM: .readOnly(reason)
        case ENOSPC, EDQUOT: .diskFull(reason)
        default: .unavailable(reason)
        }
    }
}
