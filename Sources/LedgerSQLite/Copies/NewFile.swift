import Glibc
import Ledger

/// A file that is written under another name, and gets its own name once it is whole and on disk.
///
/// A file of that name that exists already is never replaced.
struct NewFile {
    /// The end of the name of a file that is not whole. No program opens such a file as a ledger.
    static let unfinishedSuffix = ".unfinished"

    let path: String
    /// The path under which it is written.
    var unfinished: String { path + Self.unfinishedSuffix }

    /// Creates an empty file that only its owner can read.
    /// - Throws: ``LedgerError`` if there is a file of either name, or if the folder cannot be written.
    init(_ path: String) throws(LedgerError) {
        self.path = path
        guard !Self.exists(path) else { throw .unavailable("\(path) exists already, and is not overwritten: choose another name") }
        let descriptor = open(unfinished, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            if errno == EEXIST {
                throw .unavailable(
                    "\(unfinished) exists already: another command writes it now, or was interrupted; in that case remove the file")
            }
            throw Self.failure(of: unfinished, code: errno)
        }
        // Whatever the umask of this process is.
        fchmod(descriptor, 0o600)
        close(descriptor)
        Self.giveToFolderOwner(unfinished)
    }

    /// Gives a file that root has made to the owner of its folder. With a dynamic user, systemd changes no owner below a folder that is the
    /// service's own already.
    static func giveToFolderOwner(_ path: String) {
        var status = stat()
        guard geteuid() == 0, stat(folder(of: path), &status) == 0 else { return }
        lchown(path, status.st_uid, status.st_gid)
    }

    private static func folder(of path: String) -> String {
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        return folder.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : folder
    }

    /// Whether anything has this name, even a link that leads nowhere.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Writes the file to disk and gives it its name, and writes that to disk too.
    func finish() throws(LedgerError) {
        try Self.synchronise(unfinished)
        // A link is never made over another file, while `rename` replaces one.
        guard link(unfinished, path) == 0 || renameWithoutLink() else {
            throw Self.exists(path)
                ? .unavailable("\(path) was created meanwhile, and is not overwritten: choose another name")
                : Self.failure(of: path, code: errno)
        }
        unlink(unfinished)
        try Self.synchronise(Self.folder(of: path))
    }

    /// For file systems without hard links.
    private func renameWithoutLink() -> Bool {
        guard [EPERM, EOPNOTSUPP, ENOSYS].contains(errno), !Self.exists(path) else { return false }
        return rename(unfinished, path) == 0
    }

    /// Removes the unfinished file and what SQLite keeps beside it.
    func discard() {
        for suffix in ["", "-journal", "-wal", "-shm"] { unlink(unfinished + suffix) }
    }

    private static func synchronise(_ path: String) throws(LedgerError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(of: path, code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(of: path, code: errno) }
    }

    private static func failure(of path: String, code: Int32) -> LedgerError {
        let reason = "\(path): \(String(cString: strerror(code)))"
        return switch code {
        case EACCES, EROFS, EPERM: .readOnly(reason)
        case ENOSPC, EDQUOT: .diskFull(reason)
        default: .unavailable(reason)
        }
    }
}
