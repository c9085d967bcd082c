import JobModel
import Ledger

extension LedgerSession {
    /// See ``Ledger/unpublishedReplies(after:limit:)``.
    func unpublishedReplies(after id: OutgoingReply.ID?, limit: Int) throws -> OwedReplies {
        var owed = OwedReplies()
        try statements.unpublished.query(
            {
                $0.bind(id ?? 0)
                $0.bind(max(0, limit))
            },
            { row in
                if let reply = try? Self.outgoingReply(row) { owed.replies.append(reply) } else { owed.unreadable.append(row.int64(0)) }
            })
        return owed
    }

    /// See ``Ledger/lastUnpublishedReply()``.
    func lastUnpublishedReply() throws -> OutgoingReply.ID? {
        try statements.lastUnpublished.first({ _ in }, { $0.optionalInt64(0) }) ?? nil
    }

    /// See ``Ledger/jobs(_:in:limit:)``.
    func jobs(_ kind: JobKind, in state: JobState, limit: Int) throws -> [JobRecord] {
        var records: [JobRecord] = []
        try statement(for: state).query(
            {
                $0.bind(kind.rawValue)
                $0.bind(state.rawValue)
                $0.bind(max(0, limit))
            }, { row in if let record = try? JobColumns.record(row).record { records.append(record) } })
        return records
    }

    private func statement(for state: JobState) -> PreparedStatement {
        if Schema.unsettledStates.contains(state) { return statements.unsettledJobs }
        return state.isFinal ? statements.jobsInState : statements.openJobs
    }

    /// See ``Ledger/unreadable(limit:)``.
    func unreadable(limit: Int) throws -> [UnreadableRow] {
        var rows: [UnreadableRow] = []
        try statements.watchedJobs.query({ _ in }, { if (try? JobColumns.record($0)) == nil { rows.append(.init(.jobs, $0.int64(0))) } })
        rows += try strays().map { UnreadableRow(.jobs, $0) }
        rows += try unpublishedReplies(after: nil, limit: .max).unreadable.map { UnreadableRow(.replies, $0) }
        return Array(rows.prefix(max(0, limit)))
    }

    /// Jobs that were left to a person and whose state is none that this program has written: no index leads to them. The table is read from end to
    /// end only if fewer jobs are left to a person than were counted.
    private func strays() throws -> [Int64] {
        try flushTallies()
        let counted = try statements.tallyLeft.first({ _ in }, { $0.double(0) }) ?? 0
        let found = try statements.countLeft.first({ _ in }, { $0.double(0) }) ?? 0
        guard found != counted else { return [] }
        var ids: [Int64] = []
        try statements.strays.query({ _ in }, { ids.append($0.int64(0)) })
        return ids
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
            { $0.bind(record.id) }, { history.append(Self.entry($0, before: history.last ?? .init(at: record.acceptedAt, .accepted))) })
        return (record, history)
    }

    /// - Parameter previous: gives a line that cannot be read its place in time.
    private static func entry(_ row: Columns, before previous: HistoryEntry) -> HistoryEntry {
        guard let at = try? row.timestamp(0, "time"), let event: HistoryEntry.Event = try? row.value(1, "event") else {
            return HistoryEntry(at: previous.at, .unreadable, row.text(2))
        }
        return HistoryEntry(at: at, event, row.text(2))
    }

    /// See ``Ledger/lastExecuted(sentTo:)``. A row that cannot be read is not the one that is looked for.
    func lastExecuted(sentTo destination: String) throws -> [JobRecord] {
        var found: [JobRecord] = []
        try statements.lastExecuted.query(
            {
                $0.bind(SQLiteLedger.lastExecutedSpan)
                $0.bind(destination)
            }, { if let record = try? JobColumns.record($0).record { found.append(record) } })
        return found.firstOfEachMerchant
    }

    /// See ``Ledger/doubtsSentElsewhere(than:)``.
    func doubtsSentElsewhere(than destination: String) throws -> DoubtTotal {
        var total = DoubtTotal()
        try statements.sentElsewhere.query(
            { $0.bind(destination) },
            { row in
                total.count += 1
                if let amount = try? row.money(0, "amount") { total.amount = Self.sum(total.amount, amount) }
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
                // A count that cannot be is none.
                guard let kind: JobKind = try? row.value(0, "kind"), let state: JobState = try? row.value(1, "state") else { return }
                summary.stored[.init(kind, state)] = (try? row.count(2, "count")) ?? 0
                guard state == .inDoubt || state == .parked, let amount = try? row.money(3, "paise") else { return }
                summary.doubtAmount = Self.sum(summary.doubtAmount, amount)
            })
        summary.oldestDoubt = try statements.oldestDoubt.first({ _ in }, { try $0.optionalTimestamp(0, "oldest doubt") }) ?? nil
        summary.oldestDue = try statements.oldestDue.first({ _ in }, { try $0.optionalTimestamp(0, "oldest due time") }) ?? nil
        summary.unpublishedReplies = try statements.countUnpublished.first({ _ in }, { $0.int(0) }) ?? 0
        return summary
    }

    /// What does not fit is more than there is money.
    private static func sum(_ one: Money, _ other: Money) -> Money {
        let (sum, overflowed) = one.paise.addingReportingOverflow(other.paise)
        return Money(paise: overflowed ? .max : sum)
    }
}
