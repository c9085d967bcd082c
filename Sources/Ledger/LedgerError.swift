/// Why the ledger could not do what it was asked. Nothing was changed. Whatever it is, no recharge may be sent meanwhile.
package enum LedgerError: Error, Equatable, CustomStringConvertible {
    case diskFull(String)
    case readOnly(String)
    /// Another process holds the store.
    case locked(String)
    case damaged(String)
    /// One row is none that this program has written. The others are what they were.
    case unreadable(String)
    /// Written by a newer version of this program.
    case newerSchema(String)
    case unavailable(String)
    /// The store was closed before the write was done.
    case closed

    package var description: String {
        switch self {
        case .diskFull(let detail): "the ledger's disk is full: make room, consuming goes on by itself (\(detail))"
        case .readOnly(let detail):
            "the ledger cannot be written: check the file's owner and mode and whether the disk is mounted read-only (\(detail))"
        case .locked(let detail): "the ledger is locked by another process: \(detail)"
        case .damaged(let detail):
            "the ledger is damaged: nothing may be sent by it any more; keep the file, and see /usr/share/doc/bos-worker/operating.md#a-lost-ledger (\(detail))"
        case .unreadable(let detail):
            "a row of the ledger cannot be read, all others can; see /usr/share/doc/bos-worker/operating.md#a-row-that-cannot-be-read (\(detail))"
        case .newerSchema(let detail): "the ledger was written by a newer version: \(detail)"
        case .unavailable(let detail): "the ledger is unavailable: \(detail)"
        case .closed: "the ledger is closed"
        }
    }

    /// Whether it may pass by itself or by an operator's hand while the process runs.
    package var isRecoverable: Bool {
        switch self {
        case .diskFull, .readOnly, .locked, .unavailable: true
        case .damaged, .unreadable, .newerSchema, .closed: false
        }
    }
}
