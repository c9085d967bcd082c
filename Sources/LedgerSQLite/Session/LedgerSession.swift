import GRDB
import JobModel
import Ledger

/// The open database as the ledger's operations see it, within one transaction at a time.
///
/// Every operation reads before it writes, so that an unreadable row fails it with nothing changed; any other error is one of the
/// database and rolls the whole transaction back.
final class LedgerSession {
    let statements: Statements
    private var tallies: [LedgerSummary.Key: Tally] = [:]

    private struct Tally {
        var count = 0
        var paise: Int64 = 0

        mutating func add(_ step: Int, _ amount: Money) {
            count += step
            let (sum, overflowed) = paise.addingReportingOverflow(step < 0 ? 0 - amount.paise : amount.paise)
            if !overflowed { paise = sum }
        }
    }

    init(_ database: Database) throws {
        statements = try Statements(database)
    }

    // MARK: Transactions

    /// Forgets what a transaction that was rolled back had counted.
    func begin() {
        tallies.removeAll(keepingCapacity: true)
    }

    /// Writes what the operations so far have counted: once for each kind and state, however many jobs there were.
    func flushTallies() throws {
        for (key, tally) in tallies where tally.count != 0 || tally.paise != 0 {
            try statements.addTally.run {
                $0.bind(key.kind.rawValue)
                $0.bind(key.state.rawValue)
                $0.bind(tally.count)
                $0.bind(tally.paise)
            }
        }
        tallies.removeAll(keepingCapacity: true)
    }

    /// - Parameters:
    ///   - amount: not negative.
    ///   - step: 1 or -1.
    func count(_ kind: JobKind, _ state: JobState, _ amount: Money, by step: Int) {
        tallies[.init(kind, state), default: Tally()].add(step, amount)
    }

    // MARK: Parts of several operations

    /// - Parameter isFirst: nothing is written of this job yet.
    func add(_ entry: HistoryEntry, to id: Int64, isFirst: Bool = false) throws {
        try (isFirst ? statements.beginHistory : statements.addHistory).run {
            $0.bind(id)
            $0.bind(entry.at.milliseconds)
            $0.bind(entry.event.rawValue)
            $0.bind(entry.detail)
        }
    }

    /// One who asks again from another trace is the same asker and keeps the first. One too many is not added (``Claim/maximumAskers``).
    /// - Returns: whether the asker is among those that get the job's replies.
    @discardableResult
    func add(_ asker: Asker, to stored: StoredJob) throws -> Bool {
        guard !asker.isSame(as: stored.firstAsker) else { return true }
        let others = try statements.countAskers.first({ $0.bind(stored.record.id) }, { $0.int(0) }) ?? 0
        guard others < Claim.maximumAskers - 1 else { return false }
        try statements.addAsker.run {
            $0.bind(stored.record.id)
            asker.bind(to: &$0)
        }
        try statements.noteAskers.run { $0.bind(stored.record.id) }
        return true
    }

    /// All who asked for a job, in the order of their correlation ids.
    func askers(of id: Int64, first: Asker, hasOthers: Bool) throws -> [Asker] {
        var askers = [first]
        guard hasOthers else { return askers }
        try statements.otherAskers.query({ $0.bind(id) }) { row in askers.append(Asker(row, from: 0)) }
        return askers.sorted { $0.precedes($1) }
    }

    /// Stores a reply; `reply.id` is not used and set in the result.
    func store(_ reply: consuming OutgoingReply, of id: Int64, number: Int) throws -> OutgoingReply {
        let stored = reply
        var result = stored
        result.id = try statements.insertReply.insert {
            $0.bind(id)
            $0.bind(number)
            $0.bind(stored.messageID)
            stored.asker.bind(to: &$0)
            $0.bind(stored.outcome.rawValue)
            $0.bind(stored.acceptedAt.milliseconds)
            $0.bind(text: stored.body)
        }
        try statements.owe.run { $0.bind(result.id) }
        return result
    }

    /// - Throws: ``LedgerError/unreadable(_:)``
    static func outgoingReply(_ row: Columns) throws -> OutgoingReply {
        let id = row.int64(0)
        return OutgoingReply(
            id: id, messageID: row.text(1),
            asker: Asker(row, from: 2),
            kind: try row.value(5, "kind of reply \(id)"), outcome: try row.value(6, "outcome of reply \(id)"),
            amount: try row.money(7, "amount_paise of the job of reply \(id)"),
            acceptedAt: try row.timestamp(8, "accepted_at of reply \(id)"), body: row.bytes(9))
    }
}
