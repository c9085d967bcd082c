import GRDB
import JobModel

/// Every statement of the ledger, compiled once.
final class Statements {
    let findJob, jobByID, repeatedPurchase, insertJob, restartJob, replaceJob, setOwner, updateJob, forgetPurchase: PreparedStatement
    let due, inQueue, lease, requeue, ahead, bringForward: PreparedStatement
    let jobsInState, unsettledJobs, openJobs, watchedJobs, countLeft, tallyLeft, strays: PreparedStatement
    let addAsker, countAskers, noteAskers, otherAskers, clearAskers: PreparedStatement
    let addQuestion, findQuestion: PreparedStatement
    let insertReply, owe, replyForAsker, repliesForAsker, replyForAnyone, publish, unpublished, lastUnpublished: PreparedStatement
    let beginHistory, addHistory, history: PreparedStatement
    let lastExecuted, sentElsewhere: PreparedStatement
    let findCode, countCodes, addCode, updateCode, codes: PreparedStatement
    let addTally, tallies, oldestDoubt, oldestDue, countUnpublished, check, identity: PreparedStatement

    /// A tally that is larger was not counted by this program; no more than one transaction's jobs are added at once.
    private static let tallyLimit = Int64.max / 4

    init(_ database: Database) throws {
        let times = "\(Timestamp.plausible.lowerBound) AND \(Timestamp.plausible.upperBound)"
        func prepare(_ sql: String) throws -> PreparedStatement { try PreparedStatement(database, sql) }

        let neverExecuted = JobState.allCases.filter(\.isNeverExecuted).map { "'\($0.rawValue)'" }.joined(separator: ", ")
        findJob = try prepare("SELECT \(JobColumns.read) FROM jobs WHERE kind = ? AND reference = ?")
        jobByID = try prepare(
            """
            SELECT kind, reference, amount_paise, accepted_at, owner, replies_told, state, has_other_askers, correlation_id, reply_to,
            traceparent FROM jobs WHERE id = ?
            """)
        repeatedPurchase = try prepare(
            """
            SELECT reference FROM jobs
            WHERE purchase = ?1 AND (completed_at IS NULL OR completed_at >= ?2 OR accepted_at >= ?2) AND state NOT IN (\(neverExecuted))
            ORDER BY id DESC LIMIT 1
            """)
        insertJob = try prepare(
            """
            INSERT INTO jobs (kind, reference, fingerprint, purchase, body, amount_paise, accepted_at, correlation_id, reply_to, traceparent, owner,
            poll_at, replies_told, \(JobColumns.progress))
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \(JobColumns.placeholders))
            """)
        restartJob = try prepare(
            """
            UPDATE jobs SET body = ?, fingerprint = ?, accepted_at = ?, correlation_id = ?, reply_to = ?, traceparent = ?, has_other_askers = 0,
            requeued_at = NULL, replies_before = replies_told, owner = ?, poll_at = ?, replies_told = ?,
            (\(JobColumns.progress)) = (\(JobColumns.placeholders)) WHERE id = ?
            """)
        replaceJob = try prepare(
            """
            UPDATE jobs SET body = ?, fingerprint = ?, accepted_at = ?, owner = ?, poll_at = ?, requeued_at = NULL,
            (\(JobColumns.progress)) = (\(JobColumns.placeholders)) WHERE id = ?
            """)
        setOwner = try prepare("UPDATE jobs SET owner = ?, poll_at = ?, requeued_at = NULL WHERE id = ?")
        updateJob = try prepare(
            "UPDATE jobs SET owner = ?, poll_at = ?, replies_told = ?, (\(JobColumns.progress)) = (\(JobColumns.placeholders)) WHERE id = ?"
        )

        forgetPurchase = try prepare("UPDATE jobs SET purchase = NULL WHERE id = ? AND purchase IS NOT NULL")

        due = try prepare(
            """
            SELECT \(JobColumns.read) FROM jobs
            WHERE (kind = 'recharge' AND state = 'accepted') = ? AND poll_at <= ? AND (requeued_at IS NULL OR ?)
            ORDER BY poll_at, id LIMIT ?
            """)
        inQueue = try prepare(
            """
            SELECT count(*) FROM jobs
            WHERE (kind = 'recharge' AND state = 'accepted') = ? AND requeued_at IS NOT NULL AND poll_at > ?
            """)
        lease = try prepare("UPDATE jobs SET poll_at = ? WHERE id = ?")
        requeue = try prepare("UPDATE jobs SET poll_at = ?, requeued_at = ? WHERE id = ? AND poll_at = ? RETURNING id")
        ahead = try prepare(
            """
            SELECT id FROM jobs
            WHERE (kind = 'recharge' AND state = 'accepted') IN (0, 1) AND poll_at > ?1 AND state <> 'held'
            AND (state <> 'pending' OR poll_at > ?2) LIMIT 500
            """)
        bringForward = try prepare(
            "UPDATE jobs SET poll_at = ?1, due_at = min(due_at, ?1) WHERE id = ?2 AND poll_at > ?1")
        jobsInState = try prepare("SELECT \(JobColumns.read) FROM jobs WHERE kind = ? AND state = ? ORDER BY id LIMIT ?")
        unsettledJobs = try prepare(
            "SELECT \(JobColumns.read) FROM jobs WHERE kind = ? AND state = ? AND \(Schema.unsettled) ORDER BY id LIMIT ?")
        openJobs = try prepare(
            """
            SELECT \(JobColumns.read) FROM jobs WHERE (kind = 'recharge' AND state = 'accepted') IN (0, 1) AND poll_at IS NOT NULL
            AND +kind = ? AND state = ? ORDER BY id LIMIT ?
            """)
        watchedJobs = try prepare(
            """
            SELECT \(JobColumns.read) FROM jobs WHERE (kind = 'recharge' AND state = 'accepted') IN (0, 1) AND poll_at IS NOT NULL
            UNION ALL
            SELECT \(JobColumns.read) FROM jobs WHERE kind IN ('recharge', 'recharge.status', 'pan.status') AND state IN ('parked', 'held')
            AND poll_at IS NULL AND \(Schema.unsettled)
            """)

        countLeft = try prepare(
            """
            SELECT count(*) FROM jobs WHERE kind IN ('recharge', 'recharge.status', 'pan.status') AND state IN ('parked', 'held')
            AND \(Schema.unsettled)
            """)
        tallyLeft = try prepare("SELECT total(count) FROM tallies WHERE state IN ('parked', 'held')")
        let states = JobState.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        strays = try prepare("SELECT id FROM jobs WHERE poll_at IS NULL AND state NOT IN (\(states)) ORDER BY id")

        addAsker = try prepare("INSERT INTO askers VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
        countAskers = try prepare("SELECT count(*) FROM askers WHERE job = ?")
        noteAskers = try prepare("UPDATE jobs SET has_other_askers = 1 WHERE id = ?")
        otherAskers = try prepare("SELECT correlation_id, reply_to, traceparent FROM askers WHERE job = ?")
        clearAskers = try prepare("DELETE FROM askers WHERE job = ?")

        addQuestion = try prepare("INSERT INTO questions VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET round = excluded.round")
        findQuestion = try prepare("SELECT round FROM questions WHERE job = ? AND message_id = ? AND correlation_id = ? AND reply_to = ?")

        let columns = """
            r.message_id, r.correlation_id, r.reply_to, r.traceparent, j.kind, r.outcome, j.amount_paise, r.accepted_at, r.body
            """
        let reply = """
            SELECT r.id, \(columns), EXISTS (SELECT 1 FROM outbox WHERE reply = r.id) FROM replies r JOIN jobs j ON j.id = r.job
            """
        insertReply = try prepare(
            """
            INSERT INTO replies (job, number, message_id, correlation_id, reply_to, traceparent, outcome, accepted_at, body)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        owe = try prepare("INSERT INTO outbox VALUES (?) ON CONFLICT DO NOTHING")
        replyForAsker = try prepare(
            "\(reply) WHERE r.job = ? AND r.number = ? AND r.correlation_id = ? AND r.reply_to = ?")
        repliesForAsker = try prepare(
            "\(reply) WHERE r.job = ? AND r.number > ? AND r.correlation_id = ? AND r.reply_to = ? ORDER BY r.number")
        replyForAnyone = try prepare("\(reply) WHERE r.job = ? AND r.number = ? LIMIT 1")
        publish = try prepare("DELETE FROM outbox WHERE reply = ?")
        // A reply that is owed and has lost its row, or its job's, is named like any other that cannot be read.
        unpublished = try prepare(
            """
            SELECT o.reply, \(columns) FROM outbox o LEFT JOIN replies r ON r.id = o.reply LEFT JOIN jobs j ON j.id = r.job
            WHERE o.reply > ? ORDER BY o.reply LIMIT ?
            """)
        lastUnpublished = try prepare("SELECT max(reply) FROM outbox")

        beginHistory = try prepare("INSERT INTO history VALUES (?, 1, ?, ?, ?)")
        addHistory = try prepare(
            // A number that has flipped to one beyond all others is not counted on from.
            """
            INSERT INTO history VALUES
            (?1, (SELECT coalesce(max(number), 0) + 1 FROM history WHERE job = ?1 AND number BETWEEN 1 AND 1000000000), ?2, ?3, ?4)
            """)
        history = try prepare("SELECT at, event, detail FROM history WHERE job = ? ORDER BY number")

        // By rowid, backwards: a `+` keeps SQLite from looking by kind, which is most of the table.
        lastExecuted = try prepare(
            """
            SELECT \(JobColumns.read) FROM jobs
            WHERE id > (SELECT coalesce(max(id), 0) FROM jobs) - ? AND +kind = 'recharge' AND state = 'succeeded' AND sent_to = ?
            AND enquiries = 0 AND http_status IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM history WHERE job = jobs.id AND event = 'settled')
            ORDER BY id DESC
            """)
        sentElsewhere = try prepare(
            """
            SELECT amount_paise FROM jobs
            WHERE kind = 'recharge' AND state IN ('in_doubt', 'parked') AND \(Schema.unsettled) AND sent_to <> ?1
            UNION ALL
            SELECT amount_paise FROM jobs
            WHERE (kind = 'recharge' AND state = 'accepted') = 0 AND poll_at IS NOT NULL AND +kind = 'recharge' AND state = 'sending'
            AND sent_to <> ?1
            """)

        let code = "id, endpoint, http_status, response_code, status, seen, first_seen, last_seen, message, succeeded, failed, not_found"
        findCode = try prepare(
            "SELECT \(code) FROM codes WHERE endpoint IS ? AND http_status = ? AND response_code IS ? AND status IS ? LIMIT 1")
        countCodes = try prepare("SELECT count(*) FROM codes WHERE endpoint IS NOT NULL")
        addCode = try prepare("INSERT INTO codes (\(code)) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        updateCode = try prepare(
            "UPDATE codes SET seen = ?, last_seen = ?, message = ?, succeeded = ?, failed = ?, not_found = ? WHERE id = ?")
        codes = try prepare("SELECT \(code) FROM codes")

        addTally = try prepare(
            """
            INSERT INTO tallies VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
            count = max(min(count, \(Self.tallyLimit)), -\(Self.tallyLimit)) + excluded.count,
            paise = max(min(paise, \(Self.tallyLimit)), -\(Self.tallyLimit)) + excluded.paise
            """)
        tallies = try prepare("SELECT kind, state, count, paise FROM tallies WHERE count <> 0")
        oldestDoubt = try prepare(
            """
            SELECT min(first_sent_at) FROM jobs
            WHERE kind = 'recharge' AND state IN ('in_doubt', 'parked') AND \(Schema.unsettled) AND first_sent_at BETWEEN \(times)
            """)
        oldestDue = try prepare("SELECT min(due_at) FROM jobs WHERE \(Schema.waiting) AND due_at BETWEEN \(times)")
        countUnpublished = try prepare("SELECT count(*) FROM outbox")
        check = try prepare("UPDATE ledger SET checks = CASE WHEN checks BETWEEN 0 AND 1000000000 THEN checks + 1 ELSE 1 END")
        identity = try prepare("SELECT identity FROM ledger")
    }
}
