import JobModel
import Ledger

extension LedgerSession {
    /// See ``OperatorLedger/replies(toJob:)``.
    func replies(toJob id: Int64) throws -> [ReplyRecord] {
        var records: [ReplyRecord] = []
        try statements.replies.ofJob.query {
            $0.bind(id)
        } row: { row in
            guard let reply = try? Self.outgoingReply(row), let number = try? row.count(11, named: "number of reply \(reply.id)") else {
                return
            }
            records.append(ReplyRecord(number: number, reply, isOwed: row.int64(10) != 0))
        }
        return records
    }
}
