import Ledger

/// A file that the database has open is not the one at the ledger's path any more.
struct LostLedgerFile: Error {
    /// The ledger's path.
    let path: String
    let part: LedgerFiles.Part
    /// In bytes, of the file that is there in its place; `nil` if none is.
    let sizeOfOther: Int?

    /// Whether a checkpoint through the open database saves what was committed.
    ///
    /// It does while the main file is in its place and no other process has written to a new log: two logs of one main file cannot be joined. A
    /// process that only reads makes an empty log.
    var canBeSaved: Bool { part == .log && (sizeOfOther ?? 0) == 0 }

    /// What a person is told.
    /// - Parameter isSaved: the main file holds every commit.
    func error(isSaved: Bool) -> LedgerError {
        let event = sizeOfOther == nil ? "was removed or moved" : "was replaced by another file"
        let advice = "stop worker and poller, see to it that this does not happen again, remove \(path).damaged, start again"
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
