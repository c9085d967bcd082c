import GRDB
private import Glibc
import Ledger

extension LedgerError {
    /// Translates an error of SQLite or GRDB.
    /// - Parameters:
    ///   - path: the ledger's file, named in the message.
    ///   - systemError: `errno` of the last failed system call, 0 if unknown. It distinguishes a full disk from a broken one.
    init(_ error: any Error, path: String, systemError: Int32 = 0) {
        if let error = error as? LedgerError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self = .unavailable("\(path): \(error)")
            return
        }
        let cause = systemError == 0 ? "" : ", \(String(cString: strerror(systemError)))"
        let detail = "\(path): \(error.message ?? "SQLite error \(error.extendedResultCode.rawValue)")\(cause)"
        switch error.resultCode {
        case .SQLITE_FULL: self = .diskFull(detail)
        case .SQLITE_IOERR where systemError == ENOSPC || systemError == EDQUOT: self = .diskFull(detail)
        case .SQLITE_READONLY, .SQLITE_PERM: self = .readOnly(detail)
        case .SQLITE_CANTOPEN where systemError == EACCES || systemError == EROFS: self = .readOnly(detail)
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .locked(detail)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(detail)
        default: self = .unavailable(detail)
        }
    }
}
