import JobModel
import Ledger

extension LedgerSession {
    /// See ``Ledger/unpublishedReplies(after:limit:)``.
    func unpublishedReplies(after id: OutgoingReply.ID?, limit: Int) throws -> [OutgoingReply] {
        var replies: [OutgoingReply] = []
        try statements.unpublished.query(
            {
                $0.bind(id ?? 0)
                $0.bind(max(0, limit))
            }, { replies.append(try Self.outgoingReply($0)) })
        return replies
    }

    /// See ``Ledger/lastUnpublishedReply()``.
    func lastUnpublishedReply() throws -> OutgoingReply.ID? {
        try statements.lastUnpublished.first({ _ in }, { $0.optionalInt64(0) }) ?? nil
    }

    /// See ``Ledger/jobs(_:in:limit:)``.
    func jobs(_ kind: JobKind, in state: JobState, limit: Int) throws -> [JobRecord] {
        var records: [JobRecord] = []
        let statement = Schema.unsettledStates.contains(state) ? statements.unsettledJobs : statements.jobsInState
        try statement.query(
            {
                $0.bind(kind.rawValue)
                $0.bind(state.rawValue)
                $0.bind(max(0, limit))
            }, { records.append(try JobColumns.record($0).record) })
        return records
    }

    /// See ``Ledger/job(_:_:)``.
    func job(_ kind: JobKind, _ reference: String) throws -> (record: JobRecord, history: [HistoryEntry])? {
        let stored = try statements.findJob.first(
            {
                $0.bind(kind.rawValue)
                $0.bind(reference)
            }, JobColumns.record)
        guard let record = stored?.record else { return nil }
        var history: [HistoryEntry] = []
        try statements.history.query(
            { $0.bind(record.id) },
            { row in
                history.append(
                    HistoryEntry(
                        at: Timestamp(milliseconds: row.int64(0)), try row.value(1, "history of job \(record.id)"), row.text(2)))
            })
        return (record, history)
    }

    /// See ``Ledger/lastExecuted(sentTo:)``. A row that cannot be read is not the one that is looked for.
    func lastExecuted(sentTo destination: String) throws -> JobRecord? {
        var found: JobRecord?
        try statements.lastExecuted.query(
            {
                $0.bind(SQLiteLedger.lastExecutedSpan)
                $0.bind(destination)
            }, { if found == nil { found = try? JobColumns.record($0).record } })
        return found
    }

    /// See ``Ledger/doubtsSentElsewhere(than:)``.
    func doubtsSentElsewhere(than destination: String) throws -> DoubtTotal {
        var total = DoubtTotal()
        try statements.sentElsewhere.query(
            { $0.bind(destination) },
            { row in
                total.count += 1
                total.amount = Money(paise: total.amount.paise + row.int64(0))
            })
        return total
    }

    /// See ``SQLiteLedger/identity()``.
    func identity() throws -> String {
        guard let identity = try statements.identity.first({ _ in }, { $0.text(0) }) else {
            throw LedgerError.damaged("the table ledger has no row")
        }
        return identity
    }

    /// See ``Ledger/summary()``. Reads a dozen rows, however many jobs there are; only unpublished replies are counted one by one.
    func summary() throws -> LedgerSummary {
        try flushTallies()
        var summary = LedgerSummary()
        try statements.tallies.query(
            { _ in },
            { row in
                let key = LedgerSummary.Key(try row.value(0, "kind of a tally"), try row.value(1, "state of a tally"))
                summary.stored[key] = row.int(2)
                if key.state == .inDoubt || key.state == .parked {
                    summary.doubtAmount = Money(paise: summary.doubtAmount.paise + row.int64(3))
                }
            })
        summary.oldestDoubt = try statements.oldestDoubt.first({ _ in }, { $0.timestamp(0) }) ?? nil
        summary.oldestDue = try statements.oldestDue.first({ _ in }, { $0.timestamp(0) }) ?? nil
        summary.unpublishedReplies = try statements.countUnpublished.first({ _ in }, { $0.int(0) }) ?? 0
        return summary
    }
}
