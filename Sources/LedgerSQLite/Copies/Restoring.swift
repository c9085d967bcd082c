import GRDB
package import JobModel
package import Ledger

/// What happens to a copy when it becomes a ledger again.
///
/// After the copy was made, an open recharge of it may have been sent, executed and answered, and its caller may have refunded the customer.
/// So nothing that is open in the copy is sent again without a person. Recharges that came after the copy are not in it at all: until the
/// restoring is finished, the ledger claims each recharge that it does not know as one that may have been sent (``Progress/mayHaveBeenSent(at:)``).
package struct Restoring: Sendable {
    /// The action of the person who restores it. It is recorded in the ledger.
    package var action: OperatorAction
    /// The names of the API and account that the worker calls now. A recharge that was sent elsewhere keeps its destination, and the worker
    /// leaves it to a person.
    package var destinations: [String]
    /// Whether a file without a mark is taken.
    package var takesUnmarked: Bool

    package init(_ action: OperatorAction, destinations: [String], takesUnmarked: Bool = false) {
        self.action = action
        self.destinations = destinations
        self.takesUnmarked = takesUnmarked
    }

    /// Changes a file that no program uses yet.
    func apply(to queue: DatabaseQueue) throws {
        let mark = try queue.write { database in
            let mark = try CopyMark.read(database)
            try CopyMark.remove(from: database)
            return mark
        }
        try Schema.migrator.migrate(queue)
        try queue.write { database in
            try doubtOpenRecharges(in: database)
            // A worker with the lost ledger, should it come back, is refused: the virtual host gets the new name.
            try database.execute(sql: "UPDATE ledger SET identity = lower(hex(randomblob(8)))")
            try database.execute(
                sql: "INSERT INTO restorings (at, copied_at) VALUES (?, ?)",
                arguments: [action.at.milliseconds, mark?.madeAt.milliseconds])
            let session = try LedgerSession(database)
            try session.end(
                session.begin(action), result: "restored from a copy of \(mark?.madeAt.rfc3339 ?? "unknown age")", at: action.at)
        }
    }

    private static let openStates = JobState.allCases.filter { !$0.isFinal }.map { "'\($0.rawValue)'" }.joined(separator: ", ")

    private func doubtOpenRecharges(in database: Database) throws {
        let open = "kind = 'recharge' AND state IN (\(Self.openStates))"
        try database.execute(
            sql: """
                INSERT INTO history SELECT id,
                    (SELECT coalesce(max(number), 0) + 1 FROM history WHERE job = jobs.id AND number BETWEEN 1 AND 1000000000), ?, 'doubt',
                    'restored from a copy in the state ' || state || ': it may have been sent or answered after the copy was made'
                FROM jobs WHERE \(open)
                """, arguments: [action.at.milliseconds])
        // Without a destination no "not found" is proof, so the worker enquires and never sends it again by itself.
        let known = destinations.map { _ in "?" }.joined(separator: ", ")
        try database.execute(
            sql: """
                UPDATE jobs SET
                    state = CASE state WHEN 'parked' THEN 'parked' ELSE 'in_doubt' END,
                    doubt = CASE WHEN doubt IN ('accepted_by_bos', 'duplicate') THEN doubt ELSE 'unanswered' END,
                    sent_to = CASE WHEN sent_to IN (\(known)) THEN NULL ELSE sent_to END,
                    first_sent_at = coalesce(first_sent_at, ?), not_found_answers = 0, first_not_found_at = NULL,
                    first_not_found_steady = NULL, first_not_found_boot = NULL, failures = 0, owner = NULL, requeued_at = NULL,
                    due_at = CASE state WHEN 'parked' THEN NULL ELSE ? END, poll_at = CASE state WHEN 'parked' THEN NULL ELSE ? END,
                    wait_reason = CASE state WHEN 'parked' THEN NULL ELSE 'doubt' END
                WHERE \(open)
                """, arguments: StatementArguments(destinations) + [action.at.milliseconds, action.at.milliseconds, action.at.milliseconds])
        try database.execute(sql: "DELETE FROM tallies")
        try database.execute(
            sql: "INSERT INTO tallies SELECT kind, state, count(*), sum(amount_paise) FROM jobs GROUP BY kind, state")
    }
}

/// A restoring that has not ended.
package struct OpenRestoring: Sendable, Equatable {
    package var at: Timestamp
    /// When the copy was made; `nil` if it was not marked.
    package var copiedAt: Timestamp?

    package init(at: Timestamp, copiedAt: Timestamp?) {
        self.at = at
        self.copiedAt = copiedAt
    }
}
