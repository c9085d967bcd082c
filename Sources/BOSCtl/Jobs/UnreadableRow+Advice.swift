import Ledger

extension UnreadableRow {
    /// What a person is told of a row that cannot be read.
    func advice(_ path: String) -> String {
        let effect =
            switch table {
            case .jobs: "the job waits and nothing is sent by it"
            case .replies: "the reply is not published"
            }
        return "\(path): row \(id) of the table \(table.rawValue) cannot be read: \(effect), all others go on; "
            + "see /usr/share/doc/bos-worker/operating.md#a-row-that-cannot-be-read"
    }
}
