import JobModel
import Ledger

extension LedgerSession {
    /// See ``Ledger/unpublishedReplies(after:limit:)``.
    func unpublishedReplies(after id: OutgoingReply.ID?, limit: Int) throws -> OwedReplies {
        var owed = OwedReplies()
        try statements.replies.unpublished.query {
            $0.bind(id ?? 0)
            $0.bind(max(0, limit))
        } row: { row in
            if let reply = try? Self.outgoingReply(row) { owed.replies.append(reply) } else { owed.unreadable.append(row.int64(0)) }
        }
        return owed
    }

    /// See ``Ledger/lastUnpublishedReply()``.
    func lastUnpublishedReply() throws -> OutgoingReply.ID? {
        try statements.replies.lastUnpublished.first(read: { $0.optionalInt64(0) }) ?? nil
    }

    /// See ``Ledger/jobs(_:in:limit:)``.
    func jobs(_ kind: JobKind, in state: JobState, limit: Int) throws -> [JobRecord] {
        var records: [JobRecord] = []
        try statement(for: state).query {
            $0.bind(kind.rawValue)
            $0.bind(state.rawValue)
            $0.bind(max(0, limit))
        } row: {
            if let record = try? JobColumns.record($0).record { records.append(record) }
        }
        return records
    }

    private func statement(for state: JobState) -> PreparedStatement {
        if Schema.unresolvedStates.contains(state) { return statements.lists.unresolved }
        return state.isFinal ? statements.lists.inState : statements.lists.open
    }

    /// See ``Ledger/unreadable(limit:)``.
    func unreadable(limit: Int) throws -> [UnreadableRow] {
        var rows: [UnreadableRow] = []
        try statements.lists.watched.query(row: { row in
            if (try? JobColumns.record(row)) == nil { rows.append(UnreadableRow(.jobs, id: row.int64(0))) }
        })
        rows += try strays().map { UnreadableRow(.jobs, id: $0) }
        rows += try unpublishedReplies(after: nil, limit: .max).unreadable.map { UnreadableRow(.replies, id: $0) }
        return Array(rows.prefix(max(0, limit)))
    }

    /// Jobs that were left to the operator and whose stored state is unknown, so that no index contains them. The whole table is read only if
    /// fewer jobs are left to the operator than the counters say.
    private func strays() throws -> [Int64] {
        try flushCounters()
        let counted = try statements.lists.counterLeft.first(read: { $0.double(0) }) ?? 0
        let found = try statements.lists.countLeft.first(read: { $0.double(0) }) ?? 0
        guard found != counted else { return [] }
        var ids: [Int64] = []
        try statements.lists.strays.query(row: { ids.append($0.int64(0)) })
        return ids
    }

    /// See ``Ledger/job(_:reference:)``.
    func job(_ kind: JobKind, reference: String) throws -> (record: JobRecord, history: [HistoryEntry])? {
        let stored = try statements.jobs.find.first {
            $0.bind(kind.rawValue)
            $0.bind(reference)
        } read: {
            try JobColumns.record($0)
        }
        guard let record = stored?.record else { return nil }
        var history: [HistoryEntry] = []
        try statements.history.entries.query {
            $0.bind(record.id)
        } row: {
            history.append(Self.entry($0, after: history.last?.at ?? record.acceptedAt))
        }
        return (record, history)
    }

    /// - Parameter previous: the time of the entry before. An unreadable entry gets this time.
    private static func entry(_ row: Columns, after previous: Timestamp) -> HistoryEntry {
        guard let at = try? row.timestamp(0, named: "time"), let event: HistoryEntry.Event = try? row.value(1, named: "event") else {
            return HistoryEntry(at: previous, .unreadable, detail: row.text(2))
        }
        return HistoryEntry(at: at, event, detail: row.text(2))
    }

    /// See ``Ledger/lastExecuted(sentTo:)``. Unreadable rows are left out.
    func lastExecuted(sentTo destination: String) throws -> [JobRecord] {
        var found: [JobRecord] = []
        try statements.lists.lastExecuted.query {
            $0.bind(SQLiteLedger.lastExecutedSpan)
            $0.bind(destination)
        } row: {
            if let record = try? JobColumns.record($0).record { found.append(record) }
        }
        return found.firstOfEachMerchant
    }

    /// See ``Ledger/doubtsSentElsewhere(than:)``.
    func doubtsSentElsewhere(than destination: String) throws -> DoubtTotal {
        var total = DoubtTotal()
        try statements.lists.sentElsewhere.query {
            $0.bind(destination)
        } row: { row in
            total.count += 1
            if let amount = try? row.money(0, named: "amount") { total.amount = Self.sum(total.amount, plus: amount) }
        }
        return total
    }

    /// See ``SQLiteLedger/identity()``.
    func identity() throws -> String {
        guard let identity = try statements.summary.identity.first(read: { $0.text(0) }) else {
            throw LedgerError.damaged("the table ledger has no row")
        }
        return identity
    }

    /// See ``Ledger/pendingApplications()``. Times that no clock has stored are left out.
    func pendingApplications() throws -> PendingApplications {
        try statements.summary.pendingApplications.first(read: { row in
            var pending = PendingApplications()
            pending.count = row.int(0)
            pending.oldest = try row.optionalTimestamp(1, named: "acceptance")
            pending.nextDue = try row.optionalTimestamp(2, named: "due time")
            return pending
        }) ?? PendingApplications()
    }

    /// See ``Ledger/summary()``. Reads a dozen rows, however many jobs there are. Only the outbox is counted row by row.
    func summary() throws -> LedgerSummary {
        try flushCounters()
        var summary = LedgerSummary()
        try statements.summary.counters.query(row: { row in
            // A count out of range is read as 0.
            guard let kind: JobKind = try? row.value(0, named: "kind"), let state: JobState = try? row.value(1, named: "state") else {
                return
            }
            summary.stored[.init(kind, in: state)] = (try? row.count(2, named: "count")) ?? 0
            guard state == .inDoubt || state == .parked, let amount = try? row.money(3, named: "paise") else { return }
            summary.doubtAmount = Self.sum(summary.doubtAmount, plus: amount)
        })
        summary.oldestDoubt = try statements.summary.oldestDoubt.first(read: { try $0.optionalTimestamp(0, named: "oldest doubt") }) ?? nil
        summary.oldestDue = try statements.summary.oldestDue.first(read: { try $0.optionalTimestamp(0, named: "oldest due time") }) ?? nil
        summary.unpublishedReplies = try statements.summary.countUnpublished.first(read: { $0.int(0) }) ?? 0
        return summary
    }

    /// The sum, or the greatest amount if it overflows.
    private static func sum(_ one: Money, plus other: Money) -> Money {
        let (sum, overflowed) = one.paise.addingReportingOverflow(other.paise)
        return Money(paise: overflowed ? .max : sum)
    }
}
