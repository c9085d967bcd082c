/// Why a ledger operation failed. Nothing was changed. No recharge may be sent while the ledger fails.
package enum LedgerError: Error, Equatable, CustomStringConvertible {
    case diskFull(String)
    case readOnly(String)
    /// Another process holds the store.
    case locked(String)
    case damaged(String)
    /// A single row cannot be decoded. All other rows are unaffected.
    case unreadable(String)
    /// A newer version of this program has written the store.
    case newerSchema(String)
    /// The store is a copy that was made to be kept. Nothing may be written to it.
    case copy(String)
    case unavailable(String)
    /// The store was closed before the operation was done.
    case closed

    package var description: String {
        switch self {
        case .diskFull(let detail): "the ledger's disk is full: make room, consuming then resumes by itself (\(detail))"
        case .readOnly(let detail):
            "the ledger cannot be written: check the file's owner and mode, and whether the disk is mounted read-only (\(detail))"
        case .locked(let detail): "the ledger is locked by another process: \(detail)"
        case .damaged(let detail):
            "the ledger is damaged, so nothing more is sent: keep the file, and see /usr/share/doc/bos-worker/operating.md#a-lost-ledger (\(detail))"
        case .unreadable(let detail):
            "one row of the ledger cannot be read, all others can: see /usr/share/doc/bos-worker/operating.md#a-row-that-cannot-be-read (\(detail))"
        case .newerSchema(let detail): "the ledger was written by a newer version: \(detail)"
        case .copy(let detail):
            "this is a copy of a ledger, and no worker or poller works with a copy: a recharge could be sent a second time (\(detail)). If the "
                + "ledger itself is lost, see /usr/share/doc/bos-worker/operating.md#restoring-a-ledger"
        case .unavailable(let detail): "the ledger is unavailable: \(detail)"
        case .closed: "the ledger is closed"
        }
    }

    /// Whether the fault may end while the process runs: by itself, or because the operator repairs it.
    package var isRecoverable: Bool {
        switch self {
        case .diskFull, .readOnly, .locked, .unavailable: true
        case .damaged, .unreadable, .newerSchema, .copy, .closed: false
        }
    }
}

/// A row with content that this program has not written: a bit has flipped on the disk, or a person or a newer version has changed it.
/// It affects no other row.
package struct UnreadableRow: Sendable, Equatable {
    package enum Table: String, Sendable {
        case jobs
        case replies
    }

    package var table: Table
    package var id: Int64

    package init(_ table: Table, id: Int64) {
        self.table = table
        self.id = id
    }
}
