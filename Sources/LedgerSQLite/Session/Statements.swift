import GRDB
import JobModel

/// All statements of the ledger, compiled once when the session starts.
final class Statements {
    let jobs: JobStatements
    let due: DueStatements
    let lists: ListStatements
    let recipients: RecipientStatements
    let replies: ReplyStatements
    let history: HistoryStatements
    let codes: CodeStatements
    let operators: OperatorStatements
    let summary: SummaryStatements
    let transaction: TransactionStatements

    init(_ database: Database) throws {
        jobs = try JobStatements(database)
        due = try DueStatements(database)
        lists = try ListStatements(database)
        recipients = try RecipientStatements(database)
        replies = try ReplyStatements(database)
        history = try HistoryStatements(database)
        codes = try CodeStatements(database)
        operators = try OperatorStatements(database)
        summary = try SummaryStatements(database)
        transaction = try TransactionStatements(database)
    }
}

/// Compiled once: SQLite would parse them anew for each of hundreds of transactions a second.
struct TransactionStatements {
    let beginWriting, beginReading, commit, rollback: PreparedStatement

    init(_ database: Database) throws {
        beginWriting = try PreparedStatement("BEGIN IMMEDIATE", in: database)
        beginReading = try PreparedStatement("BEGIN", in: database)
        commit = try PreparedStatement("COMMIT", in: database)
        rollback = try PreparedStatement("ROLLBACK", in: database)
    }
}

/// Claims and updates of single jobs.
struct JobStatements {
    let find, target, repeatedPurchase, insert, restart, replace, setOwner, update, forgetPurchase: PreparedStatement

    init(_ database: Database) throws {
        let neverExecuted = JobState.allCases.filter(\.isNeverExecuted).map { "'\($0.rawValue)'" }.joined(separator: ", ")
        find = try PreparedStatement("SELECT \(JobColumns.read) FROM jobs WHERE kind = ? AND reference = ?", in: database)
        target = try PreparedStatement(
            """
            SELECT kind, reference, amount_paise, accepted_at, owner, replies_told, state, has_other_askers, correlation_id, reply_to,
            traceparent FROM jobs WHERE id = ?
            """, in: database)
        repeatedPurchase = try PreparedStatement(
            """
            SELECT reference FROM jobs
            WHERE purchase = ?1 AND (completed_at IS NULL OR completed_at >= ?2 OR accepted_at >= ?2) AND state NOT IN (\(neverExecuted))
            ORDER BY id DESC LIMIT 1
            """, in: database)
        insert = try PreparedStatement(
            """
            INSERT INTO jobs (kind, reference, fingerprint, purchase, body, amount_paise, accepted_at, correlation_id, reply_to, traceparent, owner,
            poll_at, replies_told, \(JobColumns.progress))
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \(JobColumns.placeholders))
            """, in: database)
        restart = try PreparedStatement(
            """
            UPDATE jobs SET body = ?, fingerprint = ?, accepted_at = ?, correlation_id = ?, reply_to = ?, traceparent = ?, has_other_askers = 0,
            requeued_at = NULL, replies_before = replies_told, owner = ?, poll_at = ?, replies_told = ?,
            (\(JobColumns.progress)) = (\(JobColumns.placeholders)) WHERE id = ?
            """, in: database)
        replace = try PreparedStatement(
            """
            UPDATE jobs SET body = ?, fingerprint = ?, accepted_at = ?, owner = ?, poll_at = ?, requeued_at = NULL,
            (\(JobColumns.progress)) = (\(JobColumns.placeholders)) WHERE id = ?
            """, in: database)
        setOwner = try PreparedStatement("UPDATE jobs SET owner = ?, poll_at = ?, requeued_at = NULL WHERE id = ?", in: database)
        update = try PreparedStatement(
            "UPDATE jobs SET owner = ?, poll_at = ?, replies_told = ?, (\(JobColumns.progress)) = (\(JobColumns.placeholders)) WHERE id = ?",
            in: database)
        forgetPurchase = try PreparedStatement("UPDATE jobs SET purchase = NULL WHERE id = ? AND purchase IS NOT NULL", in: database)
    }
}

/// What the poller does: lease due jobs and record that they are back in their queue.
struct DueStatements {
    let take, countInQueue, lease, markRequeued, findAhead, bringForward: PreparedStatement

    init(_ database: Database) throws {
        take = try PreparedStatement(
            """
            SELECT \(JobColumns.read) FROM jobs
            WHERE (kind = 'recharge' AND state = 'accepted') = ? AND poll_at <= ? AND (requeued_at IS NULL OR ?)
            ORDER BY poll_at, id LIMIT ?
            """, in: database)
        countInQueue = try PreparedStatement(
            """
            SELECT count(*) FROM jobs
            WHERE (kind = 'recharge' AND state = 'accepted') = ? AND requeued_at IS NOT NULL AND poll_at > ?
            """, in: database)
        lease = try PreparedStatement("UPDATE jobs SET poll_at = ? WHERE id = ?", in: database)
        markRequeued = try PreparedStatement(
            "UPDATE jobs SET poll_at = ?, requeued_at = ? WHERE id = ? AND poll_at = ? RETURNING id", in: database)
        findAhead = try PreparedStatement(
            """
            SELECT id FROM jobs
            WHERE (kind = 'recharge' AND state = 'accepted') IN (0, 1) AND poll_at > ?1 AND state <> 'held'
            AND (state <> 'pending' OR poll_at > ?2) LIMIT 500
            """, in: database)
        bringForward = try PreparedStatement(
            "UPDATE jobs SET poll_at = ?1, due_at = min(due_at, ?1) WHERE id = ?2 AND poll_at > ?1", in: database)
    }
}

/// Lists of jobs for operators and for the calibration of the enquiry.
struct ListStatements {
    let inState, unresolved, open, watched, countLeft, counterLeft, strays, lastExecuted, sentElsewhere: PreparedStatement

    init(_ database: Database) throws {
        inState = try PreparedStatement(
            "SELECT \(JobColumns.read) FROM jobs WHERE kind = ? AND state = ? ORDER BY id LIMIT ?", in: database)
        unresolved = try PreparedStatement(
            "SELECT \(JobColumns.read) FROM jobs WHERE kind = ? AND state = ? AND \(Schema.unresolved) ORDER BY id LIMIT ?", in: database)
        open = try PreparedStatement(
            """
            SELECT \(JobColumns.read) FROM jobs WHERE (kind = 'recharge' AND state = 'accepted') IN (0, 1) AND poll_at IS NOT NULL
            AND +kind = ? AND state = ? ORDER BY id LIMIT ?
            """, in: database)
        watched = try PreparedStatement(
            """
            SELECT \(JobColumns.read) FROM jobs WHERE (kind = 'recharge' AND state = 'accepted') IN (0, 1) AND poll_at IS NOT NULL
            UNION ALL
            SELECT \(JobColumns.read) FROM jobs WHERE kind IN ('recharge', 'recharge.status', 'pan.status') AND state IN ('parked', 'held')
            AND poll_at IS NULL AND \(Schema.unresolved)
            """, in: database)
        countLeft = try PreparedStatement(
            """
            SELECT count(*) FROM jobs WHERE kind IN ('recharge', 'recharge.status', 'pan.status') AND state IN ('parked', 'held')
            AND \(Schema.unresolved)
            """, in: database)
        counterLeft = try PreparedStatement("SELECT total(count) FROM tallies WHERE state IN ('parked', 'held')", in: database)
        let states = JobState.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        strays = try PreparedStatement("SELECT id FROM jobs WHERE poll_at IS NULL AND state NOT IN (\(states)) ORDER BY id", in: database)
        // Searches by rowid, backwards. The `+` keeps SQLite from using the index on the kind, which covers most of the table.
        lastExecuted = try PreparedStatement(
            """
            SELECT \(JobColumns.read) FROM jobs
            WHERE id > (SELECT coalesce(max(id), 0) FROM jobs) - ? AND +kind = 'recharge' AND state = 'succeeded' AND sent_to = ?
            AND enquiries = 0 AND http_status IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM history WHERE job = jobs.id AND event = 'settled')
            ORDER BY id DESC
            """, in: database)
        sentElsewhere = try PreparedStatement(
            """
            SELECT amount_paise FROM jobs
            WHERE kind = 'recharge' AND state IN ('in_doubt', 'parked') AND \(Schema.unresolved) AND sent_to <> ?1
            UNION ALL
            SELECT amount_paise FROM jobs
            WHERE (kind = 'recharge' AND state = 'accepted') = 0 AND poll_at IS NOT NULL AND +kind = 'recharge' AND state = 'sending'
            AND sent_to <> ?1
            """, in: database)
    }
}

/// The recipients of a job's replies, and the messages that have asked a question.
struct RecipientStatements {
    let add, count, markOthers, others, clear, storeRound, findRound: PreparedStatement

    init(_ database: Database) throws {
        add = try PreparedStatement("INSERT INTO askers VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", in: database)
        count = try PreparedStatement("SELECT count(*) FROM askers WHERE job = ?", in: database)
        markOthers = try PreparedStatement("UPDATE jobs SET has_other_askers = 1 WHERE id = ?", in: database)
        others = try PreparedStatement("SELECT correlation_id, reply_to, traceparent FROM askers WHERE job = ?", in: database)
        clear = try PreparedStatement("DELETE FROM askers WHERE job = ?", in: database)
        storeRound = try PreparedStatement(
            "INSERT INTO questions VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET round = excluded.round", in: database)
        findRound = try PreparedStatement(
            "SELECT round FROM questions WHERE job = ? AND message_id = ? AND correlation_id = ? AND reply_to = ?", in: database)
    }
}

/// Stored replies, and the outbox of those that the broker has not confirmed.
struct ReplyStatements {
    let insert, owe, lastForRecipient, laterForRecipient, forAnyone, publish, unpublished, lastUnpublished: PreparedStatement

    init(_ database: Database) throws {
        let columns = """
            r.message_id, r.correlation_id, r.reply_to, r.traceparent, j.kind, r.outcome, j.amount_paise, r.accepted_at, r.body
            """
        let reply = """
            SELECT r.id, \(columns), EXISTS (SELECT 1 FROM outbox WHERE reply = r.id) FROM replies r JOIN jobs j ON j.id = r.job
            """
        insert = try PreparedStatement(
            """
            INSERT INTO replies (job, number, message_id, correlation_id, reply_to, traceparent, outcome, accepted_at, body)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, in: database)
        owe = try PreparedStatement("INSERT INTO outbox VALUES (?) ON CONFLICT DO NOTHING", in: database)
        lastForRecipient = try PreparedStatement(
            "\(reply) WHERE r.job = ? AND r.number = ? AND r.correlation_id = ? AND r.reply_to = ?", in: database)
        laterForRecipient = try PreparedStatement(
            "\(reply) WHERE r.job = ? AND r.number > ? AND r.correlation_id = ? AND r.reply_to = ? ORDER BY r.number", in: database)
        forAnyone = try PreparedStatement("\(reply) WHERE r.job = ? AND r.number = ? LIMIT 1", in: database)
        publish = try PreparedStatement("DELETE FROM outbox WHERE reply = ?", in: database)
        // An owed reply without its own row or its job's row is reported like any other unreadable reply.
        unpublished = try PreparedStatement(
            """
            SELECT o.reply, \(columns) FROM outbox o LEFT JOIN replies r ON r.id = o.reply LEFT JOIN jobs j ON j.id = r.job
            WHERE o.reply > ? ORDER BY o.reply LIMIT ?
            """, in: database)
        lastUnpublished = try PreparedStatement("SELECT max(reply) FROM outbox", in: database)
    }
}

struct HistoryStatements {
    let begin, add, entries: PreparedStatement

    init(_ database: Database) throws {
        begin = try PreparedStatement("INSERT INTO history VALUES (?, 1, ?, ?, ?)", in: database)
        // A flipped bit may have made a number greater than all others. The next number does not follow such a number.
        add = try PreparedStatement(
            """
            INSERT INTO history VALUES
            (?1, (SELECT coalesce(max(number), 0) + 1 FROM history WHERE job = ?1 AND number BETWEEN 1 AND 1000000000), ?2, ?3, ?4)
            """, in: database)
        entries = try PreparedStatement("SELECT at, event, detail FROM history WHERE job = ? ORDER BY number", in: database)
    }
}

/// The counts of BOS's answers.
struct CodeStatements {
    let find, count, insert, update, all: PreparedStatement

    init(_ database: Database) throws {
        let columns = "id, endpoint, http_status, response_code, status, seen, first_seen, last_seen, message, succeeded, failed, not_found"
        find = try PreparedStatement(
            "SELECT \(columns) FROM codes WHERE endpoint IS ? AND http_status = ? AND response_code IS ? AND status IS ? LIMIT 1",
            in: database)
        count = try PreparedStatement("SELECT count(*) FROM codes WHERE endpoint IS NOT NULL", in: database)
        insert = try PreparedStatement("INSERT INTO codes (\(columns)) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", in: database)
        update = try PreparedStatement(
            "UPDATE codes SET seen = ?, last_seen = ?, message = ?, succeeded = ?, failed = ?, not_found = ? WHERE id = ?", in: database)
        all = try PreparedStatement("SELECT \(columns) FROM codes", in: database)
    }
}

/// The operators' actions and holds.
struct OperatorStatements {
    let begin, end, actions, holds, setHold, endHold: PreparedStatement

    init(_ database: Database) throws {
        begin = try PreparedStatement("INSERT INTO actions VALUES (NULL, ?, ?, ?, ?, ?, ?, NULL, NULL)", in: database)
        end = try PreparedStatement("UPDATE actions SET ended_at = ?, result = ? WHERE id = ? AND result IS NULL", in: database)
        actions = try PreparedStatement(
            "SELECT id, at, user, host, command, subject, reason, ended_at, result FROM actions WHERE id < ? ORDER BY id DESC LIMIT ?",
            in: database)
        holds = try PreparedStatement("SELECT lane, since, user, host, reason FROM holds", in: database)
        setHold = try PreparedStatement("INSERT OR REPLACE INTO holds VALUES (?, ?, ?, ?, ?)", in: database)
        endHold = try PreparedStatement("DELETE FROM holds WHERE lane = ?", in: database)
    }
}

/// Counts and ages over all jobs, and the ledger's own row.
struct SummaryStatements {
    let addToCounter, counters, oldestDoubt, oldestDue, countUnpublished, pendingApplications, check, identity: PreparedStatement

    /// This program never counts as far as this. A transaction adds the jobs of one group at most, so that the sum does not overflow.
    private static let counterLimit = Int64.max / 4

    init(_ database: Database) throws {
        let times = "\(Timestamp.plausible.lowerBound) AND \(Timestamp.plausible.upperBound)"
        addToCounter = try PreparedStatement(
            """
            INSERT INTO tallies VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
            count = max(min(count, \(Self.counterLimit)), -\(Self.counterLimit)) + excluded.count,
            paise = max(min(paise, \(Self.counterLimit)), -\(Self.counterLimit)) + excluded.paise
            """, in: database)
        counters = try PreparedStatement("SELECT kind, state, count, paise FROM tallies WHERE count <> 0", in: database)
        oldestDoubt = try PreparedStatement(
            """
            SELECT min(first_sent_at) FROM jobs
            WHERE kind = 'recharge' AND state IN ('in_doubt', 'parked') AND \(Schema.unresolved) AND first_sent_at BETWEEN \(times)
            """, in: database)
        oldestDue = try PreparedStatement(
            "SELECT min(due_at) FROM jobs WHERE \(Schema.waiting) AND due_at BETWEEN \(times)", in: database)
        countUnpublished = try PreparedStatement("SELECT count(*) FROM outbox", in: database)
        pendingApplications = try PreparedStatement(
            """
            SELECT count(*), min(accepted_at) FILTER (WHERE accepted_at BETWEEN \(times)), min(due_at) FILTER (WHERE due_at BETWEEN \(times))
            FROM jobs WHERE kind = 'pan.status' AND state = 'pending' AND \(Schema.unresolved)
            """, in: database)
        check = try PreparedStatement(
            "UPDATE ledger SET checks = CASE WHEN checks BETWEEN 0 AND 1000000000 THEN checks + 1 ELSE 1 END", in: database)
        identity = try PreparedStatement("SELECT identity FROM ledger", in: database)
    }
}
