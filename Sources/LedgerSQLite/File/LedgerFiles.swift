private import Glibc
import Ledger

/// The files of an open ledger, as they were when it was opened.
///
/// SQLite keeps writing to a file that was removed, moved or replaced, and reports no error; what it commits there is gone when the process
/// ends. SQLite itself does none of this while a connection is open: each connection holds a lock on the main file, and only the last one to
/// close removes the two files beside it.
///
/// The files are looked at by name and never opened: closing any descriptor of the main file frees all locks that the process has on it.
struct LedgerFiles {
    enum Part: String, CaseIterable {
        case main = ""
        /// Holds the commits that are not in the main file yet.
        case log = "-wal"
        /// Holds the locks of all connections and says where in the log each page is.
        case index = "-shm"
    }

    private struct Identity: Equatable {
        let device: dev_t
        let inode: ino_t
    }

    private let path: String
    private let opened: [Part: Identity]

    /// - Parameter path: of a ledger that was opened and read just now, so that all three files are there.
    init(path: String) throws(LedgerError) {
        self.path = path
        var opened: [Part: Identity] = [:]
        for part in Part.allCases {
            guard let found = try Self.look(at: path + part.rawValue) else {
                throw .unavailable("\(path)\(part.rawValue) was removed while the ledger was being opened: find out what removes it")
            }
            opened[part] = found.identity
        }
        self.opened = opened
    }

    /// - Throws: ``LostLedgerFile``; ``LedgerError/unavailable(_:)`` if the system does not tell.
    func check() throws {
        for part in Part.allCases {
            let found = try Self.look(at: path + part.rawValue)
            if found?.identity != opened[part] { throw LostLedgerFile(path: path, part: part, sizeOfOther: found?.size) }
        }
    }

    private static func look(at file: String) throws(LedgerError) -> (identity: Identity, size: Int)? {
        var status = stat()
        if stat(file, &status) == 0 { return (Identity(device: status.st_dev, inode: status.st_ino), Int(status.st_size)) }
        let code = errno
        guard code == ENOENT || code == ENOTDIR else { throw .unavailable("\(file): \(String(cString: strerror(code)))") }
        return nil
    }
}
