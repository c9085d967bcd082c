import GRDB
import JobModel
import Ledger

/// The open database, as the ledger's operations use it inside one transaction at a time.
///
/// Each operation reads before it writes, so that an unreadable row fails the operation with nothing changed. Any other error comes from the
/// database and rolls back the whole transaction.
final class LedgerSession {
    let statements: Statements
    /// Whether the ledger was restored from a copy, so that a recharge that it does not know may have been sent before.
    private(set) var isRestored: Bool
    private var counters: [LedgerSummary.Key: Counter] = [:]

    /// A change of the number of jobs in a state, and of their amount in paise.
    private struct Counter {
        var count = 0
        var paise: Int64 = 0

        mutating func add(_ amount: Money, times step: Int) {
            count += step
            let (sum, overflowed) = paise.addingReportingOverflow(step < 0 ? 0 - amount.paise : amount.paise)
            if !overflowed { paise = sum }
        }
    }

    init(_ database: Database) throws {
        statements = try Statements(database)
        isRestored = try statements.restorings.open.first(read: { _ in true }) ?? false
    }

    /// Looks whether the restoring has ended. An open ledger is never restored anew, so there is nothing to look for otherwise.
    func updateRestored() throws {
        if isRestored { isRestored = try statements.restorings.open.first(read: { _ in true }) ?? false }
    }

    // MARK: Transactions

    /// Runs `body` in one transaction, and rolls it back if `body` or the commit fails.
    /// - Parameter writes: whether the transaction takes the right to write from the start.
    func transaction(writes: Bool, in database: Database, _ body: () throws -> Void) throws {
        // A transaction that was rolled back has left its counts.
        counters.removeAll(keepingCapacity: true)
        let statements = statements.transaction
        try (writes ? statements.beginWriting : statements.beginReading).run()
        do {
            try body()
            try statements.commit.run()
        } catch {
            // After some errors, such as a full disk, SQLite has rolled back already.
            if database.isInsideTransaction { try? statements.rollback.run() }
            throw error
        }
    }

    /// Writes the counts of the operations so far: one row for each kind and state, however many jobs changed.
    func flushCounters() throws {
        for (key, counter) in counters where counter.count != 0 || counter.paise != 0 {
            try statements.summary.addToCounter.run {
                $0.bind(key.kind.rawValue)
                $0.bind(key.state.rawValue)
                $0.bind(counter.count)
                $0.bind(counter.paise)
            }
        }
        counters.removeAll(keepingCapacity: true)
    }

    /// Counts a job that enters or leaves a state.
    /// - Parameters:
    ///   - amount: the job's amount; not negative.
    ///   - step: 1 or -1.
    func count(_ kind: JobKind, in state: JobState, amount: Money, by step: Int) {
        counters[.init(kind, in: state), default: Counter()].add(amount, times: step)
    }

    // MARK: Parts of several operations

    /// - Parameter isFirst: whether the job has no history yet.
    func add(_ entry: HistoryEntry, to id: Int64, isFirst: Bool = false) throws {
        try (isFirst ? statements.history.begin : statements.history.add).run {
            $0.bind(id)
            $0.bind(entry.at.milliseconds)
            $0.bind(entry.event.rawValue)
            $0.bind(entry.detail)
        }
    }

    /// Adds a recipient, unless it is one already or the job has ``Claim/maximumRecipients``. A recipient with another trace is the same one, and
    /// keeps its first trace.
    /// - Returns: whether this recipient gets the job's replies.
    @discardableResult
    func add(_ recipient: ReplyRecipient, to stored: StoredJob) throws -> Bool {
        guard !recipient.isSame(as: stored.firstRecipient) else { return true }
        let others =
            try statements.recipients.count.first {
                $0.bind(stored.record.id)
            } read: {
                $0.int(0)
            } ?? 0
        guard others < Claim.maximumRecipients - 1 else { return false }
        try statements.recipients.add.run {
            $0.bind(stored.record.id)
            recipient.bind(to: &$0)
        }
        try statements.recipients.markOthers.run { $0.bind(stored.record.id) }
        return true
    }

    /// All recipients of a job's replies, in the order of their correlation ids.
    func recipients(of id: Int64, first: ReplyRecipient, hasOthers: Bool) throws -> [ReplyRecipient] {
        var recipients = [first]
        guard hasOthers else { return recipients }
        try statements.recipients.others.query {
            $0.bind(id)
        } row: {
            recipients.append(ReplyRecipient($0, from: 0))
        }
        return recipients.sorted { $0.precedes($1) }
    }

    /// Stores a reply and owes it.
    /// - Returns: the reply with its id.
    func store(_ reply: consuming OutgoingReply, of id: Int64, number: Int) throws -> OutgoingReply {
        let stored = reply
        var result = stored
        result.id = try statements.replies.insert.insert {
            $0.bind(id)
            $0.bind(number)
            $0.bind(stored.messageID)
            stored.recipient.bind(to: &$0)
            $0.bind(stored.outcome.rawValue)
            $0.bind(stored.acceptedAt.milliseconds)
            $0.bind(text: stored.body)
        }
        try statements.replies.owe.run { $0.bind(result.id) }
        return result
    }

    /// Decodes a row of ``ReplyStatements``.
    /// - Throws: ``LedgerError/unreadable(_:)``
    static func outgoingReply(_ row: Columns) throws -> OutgoingReply {
        let id = row.int64(0)
        return OutgoingReply(
            id: id, messageID: row.text(1),
            recipient: ReplyRecipient(row, from: 2),
            kind: try row.value(5, named: "kind of reply \(id)"), outcome: try row.value(6, named: "outcome of reply \(id)"),
            amount: try row.money(7, named: "amount_paise of the job of reply \(id)"),
            acceptedAt: try row.timestamp(8, named: "accepted_at of reply \(id)"), body: row.bytes(9))
    }
}
