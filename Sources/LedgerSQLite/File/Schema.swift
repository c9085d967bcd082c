import GRDB
import JobModel

/// The tables of the ledger. A migration that was ever released is never changed; the next one is added behind it.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { try $0.execute(sql: first) }
        migrator.registerMigration("2") { try $0.execute(sql: second) }
        migrator.registerMigration("3") { try $0.execute(sql: third) }
        migrator.registerMigration("4") { try $0.execute(sql: fourth) }
        migrator.registerMigration("5") { try $0.execute(sql: fifth) }
        migrator.registerMigration("6") { try $0.execute(sql: sixth) }
        return migrator
    }

    /// What is not over and waits for more than a moment, in the words of the index `jobs_unsettled`: SQLite uses it for those queries only
    /// that repeat them.
    static let unsettledStates: [JobState] = [.inDoubt, .pending, .parked, .held]
    static let unsettled = isAny(of: unsettledStates)
    /// What the poller looks after, in the words of the index `jobs_waiting`.
    static let waiting = "owner IS NULL AND due_at IS NOT NULL AND \(isAny(of: [.accepted, .sending, .inDoubt, .pending]))"

    /// Not `IN`: SQLite builds a table of the list's values, a B-tree with a page cache of its own, each time that it writes a row whose
    /// index has such a condition. That was a seventh of all instructions that a job took.
    private static func isAny(of states: [JobState]) -> String {
        "(\(states.map { "state = '\($0.rawValue)'" }.joined(separator: " OR ")))"
    }

    /// Times are milliseconds since 1970-01-01T00:00:00Z, money is paise, names are those of publishing.md#a-job and publishing.md#outcomes.
    private static let first = """
        CREATE TABLE jobs (
            id INTEGER PRIMARY KEY,
            kind TEXT NOT NULL,
            reference TEXT NOT NULL,
            fingerprint BLOB NOT NULL,
            -- What it buys; NULL unless purchases are watched for repeats.
            purchase BLOB,
            body TEXT NOT NULL,
            amount_paise INTEGER NOT NULL,
            accepted_at INTEGER NOT NULL,
            -- Who asked first; an empty reply_to means none. Most jobs have no other asker, and then nobody looks for them.
            correlation_id TEXT NOT NULL,
            reply_to TEXT NOT NULL,
            traceparent TEXT,
            has_other_askers INTEGER NOT NULL DEFAULT 0,
            -- The running process that works on it; NULL while it waits or is over.
            owner TEXT,
            -- When the poller looks after it, if nobody has by then; NULL once it is over or a person's.
            poll_at INTEGER,
            replies_told INTEGER NOT NULL,
            -- How many of them were told before the question was asked anew.
            replies_before INTEGER NOT NULL DEFAULT 0,
            state TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            enquiries INTEGER NOT NULL,
            doubt TEXT,
            first_sent_at INTEGER,
            not_found_answers INTEGER NOT NULL,
            -- On the clock that people read and on the steady one of one boot of one machine.
            first_not_found_at INTEGER,
            first_not_found_steady INTEGER,
            first_not_found_boot TEXT,
            resendings INTEGER NOT NULL,
            failures INTEGER NOT NULL,
            due_at INTEGER,
            wait_reason TEXT,
            told TEXT,
            completed_at INTEGER,
            -- What BOS said last; NULL in http_status means nothing yet.
            http_status INTEGER,
            response_code INTEGER,
            status INTEGER,
            message TEXT,
            operator_id TEXT,
            acknowledgement TEXT,
            UNIQUE (kind, reference)
        ) STRICT;

        CREATE INDEX jobs_waiting ON jobs (due_at) WHERE \(waiting);
        -- The poller's: by lane (may the next step move money), then by time.
        CREATE INDEX jobs_to_poll ON jobs ((kind = 'recharge' AND state = 'accepted'), poll_at) WHERE poll_at IS NOT NULL;
        -- People's.
        CREATE INDEX jobs_unsettled ON jobs (kind, state, first_sent_at) WHERE \(unsettled);
        CREATE INDEX jobs_purchases ON jobs (purchase) WHERE purchase IS NOT NULL;

        -- Who else gets the replies to a job.
        CREATE TABLE askers (
            job INTEGER NOT NULL REFERENCES jobs,
            correlation_id TEXT NOT NULL,
            reply_to TEXT NOT NULL,
            traceparent TEXT,
            PRIMARY KEY (job, correlation_id, reply_to)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE replies (
            id INTEGER PRIMARY KEY,
            job INTEGER NOT NULL REFERENCES jobs,
            -- Which of the job's replies it is, from 1 on.
            number INTEGER NOT NULL,
            message_id TEXT NOT NULL,
            correlation_id TEXT NOT NULL,
            reply_to TEXT NOT NULL,
            traceparent TEXT,
            outcome TEXT NOT NULL,
            accepted_at INTEGER NOT NULL,
            body TEXT NOT NULL
        ) STRICT;

        CREATE INDEX replies_of_job ON replies (job, number);

        -- The replies that the broker has not confirmed yet.
        CREATE TABLE outbox (reply INTEGER PRIMARY KEY REFERENCES replies) STRICT;

        CREATE TABLE history (
            job INTEGER NOT NULL REFERENCES jobs,
            -- Which of the job's lines it is, from 1 on.
            number INTEGER NOT NULL,
            at INTEGER NOT NULL,
            event TEXT NOT NULL,
            detail TEXT NOT NULL,
            PRIMARY KEY (job, number)
        ) STRICT, WITHOUT ROWID;

        CREATE TRIGGER history_is_not_changed BEFORE UPDATE ON history
            BEGIN SELECT RAISE(ABORT, 'history is only ever added to'); END;
        CREATE TRIGGER history_is_not_deleted BEFORE DELETE ON history
            BEGIN SELECT RAISE(ABORT, 'history is only ever added to'); END;

        -- How many jobs are in which state and the money they are about, so that nobody has to count.
        CREATE TABLE tallies (
            kind TEXT NOT NULL,
            state TEXT NOT NULL,
            count INTEGER NOT NULL,
            paise INTEGER NOT NULL,
            PRIMARY KEY (kind, state)
        ) STRICT, WITHOUT ROWID;

        -- One row that is written to see whether the ledger can be written.
        CREATE TABLE checks (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL) STRICT;
        INSERT INTO checks VALUES (1, 0);
        """

    private static let second = """
        -- One row: the name that this ledger, and no other, has for good, and a number that is written to see whether it can be written.
        -- The name is short, for the broker cuts off what it says of two of them after 252 bytes.
        CREATE TABLE ledger (id INTEGER PRIMARY KEY CHECK (id = 1), identity TEXT NOT NULL, checks INTEGER NOT NULL) STRICT;
        INSERT INTO ledger SELECT 1, lower(hex(randomblob(8))), count FROM checks;
        DROP TABLE checks;
        """

    private static let third = """
        -- The messages that have asked a question: one that comes once more gets the answer that it had.
        CREATE TABLE questions (
            job INTEGER NOT NULL REFERENCES jobs,
            message_id TEXT NOT NULL,
            correlation_id TEXT NOT NULL,
            reply_to TEXT NOT NULL,
            -- The job's replies_before when it asked, which tells one round from the next.
            round INTEGER NOT NULL,
            PRIMARY KEY (job, message_id, correlation_id, reply_to)
        ) STRICT, WITHOUT ROWID;
        """

    private static let fourth = """
        -- The API and account to which the first request went that may have reached BOS, and BOS's own number of the recharge.
        ALTER TABLE jobs ADD COLUMN sent_to TEXT;
        ALTER TABLE jobs ADD COLUMN bos_reference TEXT;
        -- How often BOS has refused this job's credentials while it took others'.
        ALTER TABLE jobs ADD COLUMN credential_refusals INTEGER NOT NULL DEFAULT 0;

        -- When the ledger has put it on its queue, until a run takes it up.
        ALTER TABLE jobs ADD COLUMN requeued_at INTEGER;
        CREATE INDEX jobs_in_queue ON jobs ((kind = 'recharge' AND state = 'accepted'), poll_at) WHERE requeued_at IS NOT NULL;

        -- What BOS answers, counted for people. One row without an endpoint counts what came when the table was full.
        CREATE TABLE codes (
            id INTEGER PRIMARY KEY,
            endpoint TEXT,
            http_status INTEGER NOT NULL,
            response_code INTEGER,
            status INTEGER,
            seen INTEGER NOT NULL,
            first_seen INTEGER NOT NULL,
            last_seen INTEGER NOT NULL,
            message TEXT NOT NULL,
            -- What became in the end of the recharges that were answered so.
            succeeded INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            not_found INTEGER NOT NULL
        ) STRICT;

        CREATE INDEX codes_by_name ON codes (endpoint, http_status, response_code, status);
        """

    private static let fifth = """
        -- When the moment from which the job's age counts was first seen to lie in the future.
        ALTER TABLE jobs ADD COLUMN ahead_since INTEGER;
        -- In milliseconds: the settle window that was in force when it was sent.
        ALTER TABLE jobs ADD COLUMN settle_window INTEGER;
        """

    private static let sixth = """
        -- Where what is known of a recharge comes from, or what has settled its last doubt or its end, as in publishing.md#a-reply.
        ALTER TABLE jobs ADD COLUMN evidence TEXT;
        """
}
