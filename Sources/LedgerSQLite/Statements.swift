import GRDB
import JobModel

/// Every statement of the ledger, compiled once.
final class Statements {
    let findJob, jobByID, repeatedPurchase, insertJob, restartJob, setOwner, updateJob: PreparedStatement
    let due, lease, requeue, jobsInState, unsettledJobs: PreparedStatement
    let addAsker, noteAskers, otherAskers, clearAskers: PreparedStatement
    let addQuestion, findQuestion: PreparedStatement
    let insertReply, owe, replyForAsker, replyForAnyone, publish, unpublished, lastUnpublished: PreparedStatement
    let beginHistory, addHistory, history: PreparedStatement
    let lastExecuted, sentElsewhere: PreparedStatement
    let findCode, countCodes, addCode, updateCode, codes: PreparedStatement
    let addTally, tallies, oldestDoubt, oldestDue, countUnpublished, check, identity: PreparedStatement

    init(_ database: Database) throws {
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
            UPDATE jobs SET body = ?, accepted_at = ?, correlation_id = ?, reply_to = ?, traceparent = ?, has_other_askers = 0,
            replies_before = replies_told, owner = ?, poll_at = ?, replies_told = ?,
            (\(JobColumns.progress)) = (\(JobColumns.placeholders)) WHERE id = ?
            """)
        setOwner = try prepare("UPDATE jobs SET owner = ?, poll_at = ? WHERE id = ?")
        updateJob = try prepare(
            "UPDATE jobs SET owner = ?, poll_at = ?, replies_told = ?, (\(JobColumns.progress)) = (\(JobColumns.placeholders)) WHERE id = ?"
        )

        due = try prepare(
            """
            SELECT \(JobColumns.read) FROM jobs
            WHERE (kind = 'recharge' AND state = 'accepted') = ? AND poll_at <= ? ORDER BY poll_at, id LIMIT ?
            """)
        lease = try prepare("UPDATE jobs SET poll_at = ? WHERE id = ?")
        requeue = try prepare("UPDATE jobs SET poll_at = ? WHERE id = ? AND poll_at = ? RETURNING id")
        jobsInState = try prepare("SELECT \(JobColumns.read) FROM jobs WHERE kind = ? AND state = ? ORDER BY id LIMIT ?")
        unsettledJobs = try prepare(
            "SELECT \(JobColumns.read) FROM jobs WHERE kind = ? AND state = ? AND \(Schema.unsettled) ORDER BY id LIMIT ?")

        addAsker = try prepare("INSERT INTO askers VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
        noteAskers = try prepare("UPDATE jobs SET has_other_askers = 1 WHERE id = ?")
        otherAskers = try prepare("SELECT correlation_id, reply_to, traceparent FROM askers WHERE job = ?")
        clearAskers = try prepare("DELETE FROM askers WHERE job = ?")

        addQuestion = try prepare("INSERT INTO questions VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET round = excluded.round")
        findQuestion = try prepare("SELECT round FROM questions WHERE job = ? AND message_id = ? AND correlation_id = ? AND reply_to = ?")

        let reply = """
            SELECT r.id, r.message_id, r.correlation_id, r.reply_to, r.traceparent, j.kind, r.outcome, j.amount_paise, r.accepted_at, r.body,
            EXISTS (SELECT 1 FROM outbox WHERE reply = r.id) FROM replies r JOIN jobs j ON j.id = r.job
            """
        insertReply = try prepare(
            """
            INSERT INTO replies (job, number, message_id, correlation_id, reply_to, traceparent, outcome, accepted_at, body)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        owe = try prepare("INSERT INTO outbox VALUES (?) ON CONFLICT DO NOTHING")
        replyForAsker = try prepare(
            "\(reply) WHERE r.job = ? AND r.number = ? AND r.correlation_id = ? AND r.reply_to = ?")
        replyForAnyone = try prepare("\(reply) WHERE r.job = ? AND r.number = ? LIMIT 1")
        publish = try prepare("DELETE FROM outbox WHERE reply = ?")
        unpublished = try prepare("\(reply) WHERE r.id IN (SELECT reply FROM outbox WHERE reply > ? ORDER BY reply LIMIT ?) ORDER BY r.id")
        lastUnpublished = try prepare("SELECT max(reply) FROM outbox")

        beginHistory = try prepare("INSERT INTO history VALUES (?, 1, ?, ?, ?)")
        addHistory = try prepare(
            "INSERT INTO history VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM history WHERE job = ?1), ?2, ?3, ?4)")
        history = try prepare("SELECT at, event, detail FROM history WHERE job = ? ORDER BY number")

        // By rowid, backwards: a `+` keeps SQLite from looking by kind, which is most of the table.
        lastExecuted = try prepare(
            """
            SELECT \(JobColumns.read) FROM jobs
            WHERE id > (SELECT coalesce(max(id), 0) FROM jobs) - ? AND +kind = 'recharge' AND state = 'succeeded' AND sent_to = ?
            AND enquiries = 0 AND http_status IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM history WHERE job = jobs.id AND event = 'settled')
            ORDER BY id DESC LIMIT 10
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
            INSERT INTO tallies VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET count = count + excluded.count, paise = paise + excluded.paise
            """)
        tallies = try prepare("SELECT kind, state, count, paise FROM tallies WHERE count <> 0")
        oldestDoubt = try prepare(
            "SELECT min(first_sent_at) FROM jobs WHERE kind = 'recharge' AND state IN ('in_doubt', 'parked') AND \(Schema.unsettled)")
        oldestDue = try prepare("SELECT min(due_at) FROM jobs WHERE \(Schema.waiting)")
        countUnpublished = try prepare("SELECT count(*) FROM outbox")
        check = try prepare("UPDATE ledger SET checks = checks + 1")
        identity = try prepare("SELECT identity FROM ledger")
    }
}
