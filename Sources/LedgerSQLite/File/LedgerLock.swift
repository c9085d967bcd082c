private import Glibc
package import Ledger
private import Synchronization

/// A process's exclusive right to use a ledger's file as its worker: a lock on `<ledger>.lock` in the same folder.
///
/// The kernel releases the lock when the process ends in any way, so that a successor never waits for a dead process.
package final class LedgerLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// Takes the lock.
    /// - Parameters:
    ///   - path: the ledger's file.
    ///   - owner: names this process in the error that another process gets.
    /// - Throws: ``LedgerError/locked(_:)`` if another live process holds it.
    package init(ledger path: String, owner: String) throws(LedgerError) {
        let file = path + ".lock"
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failure(of: file, code: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let holder = Self.read(descriptor)
            close(descriptor)
            guard code == EWOULDBLOCK else { throw Self.failure(of: file, code: code) }
            throw .locked(
                "\(path) belongs to the running \(holder); only one worker at a time can use a SQLite ledger: stop that worker first, or "
                    + "give each worker a virtual host and a ledger of its own (amqp.urls, ledger.url)")
        }
        // Only for the error above. The kernel holds the lock, whatever the file says.
        let text = Array("process \(getpid()) (\(owner))\n".utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.count, 0) == text.count else {
            let code = errno
            close(descriptor)
            throw Self.failure(of: file, code: code)
        }
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    /// Releases the lock. The file stays, because removing it would let two processes lock two files of one name.
    package func release() {
        descriptor.withLock { descriptor in
            guard let open = descriptor else { return }
            // Unlocked explicitly: a child process between fork and exec still shares the open file, so that closing it would not release the lock.
            flock(open, LOCK_UN)
            close(open)
            descriptor = nil
        }
    }

    private static func read(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let line = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: "\n").first
        return line.map(String.init) ?? "process, whose number is unknown"
    }

    private static func failure(of file: String, code: Int32) -> LedgerError {
        let reason = "\(file): \(String(cString: strerror(code)))"
        return switch code {
        case ENOENT: .unavailable("\(reason); create the folder, writable for the user of this process")
        case EACCES, EROFS, EPERM: .readOnly(reason)
        case ENOSPC, EDQUOT: .diskFull(reason)
        default: .unavailable(reason)
        }
    }
}
