private import Glibc
import Ledger

/// The identities of the files of an open ledger, as they were when it was opened.
///
/// SQLite keeps writing to a file that was removed, moved or replaced, and reports no error. Its commits are lost when the process ends.
/// SQLite itself removes no file while a connection is open: each connection holds a lock on the main file, and only the last connection
/// removes the two files beside it when it closes.
///
/// The check uses the files' names and never opens a file: closing any descriptor of the main file releases all locks of the process on it.
struct LedgerFiles {
    enum Part: String, CaseIterable {
        case main = ""
        /// The write-ahead log: commits that are not in the main file yet.
        case log = "-wal"
        /// The locks of all connections, and the place of each page in the log.
        case index = "-shm"
    }

    private struct Identity: Equatable {
        let device: dev_t
        let inode: ino_t
    }

    private let path: String
    private let opened: [Part: Identity]

    /// Reads the identities of the three files.
    /// - Parameter path: the path of a ledger that was just opened and read, so that all three files exist.
    /// - Throws: ``LedgerError/unavailable(_:)`` if one does not exist.
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

    /// - Throws: ``LostLedgerFile`` if a file is not the one that was opened; ``LedgerError/unavailable(_:)`` if the system cannot tell.
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

/// The database has a file open that is no longer the one at the ledger's path.
struct LostLedgerFile: Error {
    /// The ledger's path.
    let path: String
    let part: LedgerFiles.Part
    /// The size in bytes of the file in its place; `nil` if there is none.
    let sizeOfOther: Int?

    /// Whether a checkpoint by the open database saves all commits.
    ///
    /// It does if the main file is in its place and no other process has written to a new log. Two logs of one main file cannot be merged. A
    /// process that only reads makes an empty log.
    var canBeSaved: Bool { part == .log && (sizeOfOther ?? 0) == 0 }

    /// The error for the operator.
    /// - Parameter isSaved: whether the main file holds all commits.
    func error(isSaved: Bool) -> LedgerError {
        let event = sizeOfOther == nil ? "was removed or moved" : "was replaced by another file"
        let advice = "stop worker and poller, make sure that this cannot happen again, remove \(path).damaged, start again"
        let consequence =
            switch part {
            case .main:
                "every commit is in the file that is still open, and none in \(path): stop worker and poller; if that file was moved, "
                    + "put it and the files beside it back and remove \(path).damaged; if it was removed, the ledger is lost"
            case .log where isSaved: "every commit was saved to \(path): \(advice)"
            case .log: "the last commits could not be saved to \(path): the ledger is lost"
            case .index: "every commit is in \(path) and \(path)-wal: \(advice)"
            }
        return .damaged("\(path)\(part.rawValue) \(event) while the ledger was in use; \(consequence)")
    }
}
