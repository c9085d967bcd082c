import GRDB
import JobModel

/// The tables of the ledger. A released migration is never changed, except for the wording of its comments. A new one is added after it.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { try $0.execute(sql: first) }
        migrator.registerMigration("2") { try $0.execute(sql: second) }
        migrator.registerMigration("3") { try $0.execute(sql: third) }
        migrator.registerMigration("4") { try $0.execute(sql: fourth) }
        migrator.registerMigration("5") { try $0.execute(sql: fifth) }
        migrator.registerMigration("6") { try $0.execute(sql: sixth) }
        migrator.registerMigration("7") { try $0.execute(sql: seventh) }
        migrator.registerMigration("8") { try $0.execute(sql: eighth) }
        return migrator
    }

    /// States that last for more than a moment and are not final. ``unresolved`` is the condition of the index `jobs_unsettled`; SQLite uses
    /// the index only for queries that contain the same condition.
    static let unresolvedStates: [JobState] = [.inDoubt, .pending, .parked, .held]
    static let unresolved = isAny(of: unresolvedStates)
    /// Jobs that wait in the ledger for their due time: the condition of the index `jobs_waiting`.
    static let waiting = "owner IS NULL AND due_at IS NOT NULL AND \(isAny(of: [.accepted, .sending, .inDoubt, .pending]))"

    /// Not `IN`: for an index with such a condition, SQLite builds a table of the list's values for each row that it writes, a B-tree with a page
    /// cache of its own. That took a seventh of all instructions of a job.
    private static func isAny(of states: [JobState]) -> String {
        "(\(states.map { "state = '\($0.rawValue)'" }.joined(separator: " OR ")))"
    }

    /// Times are milliseconds since 1970-01-01T00:00:00Z, amounts are paise. Kinds and outcomes are named as in publishing.md#a-job and
    /// publishing.md#outcomes.
    private static let first = """
        CREATE TABLE jobs (
            id INTEGER PRIMARY KEY,
            kind TEXT NOT NULL,
            reference TEXT NOT NULL,
            fingerprint BLOB NOT NULL,
            -- The key of what it buys; NULL unless purchases are checked for repeats.
            purchase BLOB,
            body TEXT NOT NULL,
            amount_paise INTEGER NOT NULL,
            accepted_at INTEGER NOT NULL,
            -- The first recipient; an empty reply_to means none. Most jobs have no other, so that the table askers is not read for them.
            correlation_id TEXT NOT NULL,
            reply_to TEXT NOT NULL,
            traceparent TEXT,
            has_other_askers INTEGER NOT NULL DEFAULT 0,
            -- The run that works on it; NULL while it waits or is final.
            owner TEXT,
            -- When the poller puts it back on its queue; NULL once it is final or left to the operator.
            poll_at INTEGER,
            replies_told INTEGER NOT NULL,
            -- How many of the replies belong to earlier rounds of the question.
            replies_before INTEGER NOT NULL DEFAULT 0,
            state TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            enquiries INTEGER NOT NULL,
            doubt TEXT,
            first_sent_at INTEGER,
            not_found_answers INTEGER NOT NULL,
            -- By the wall clock, and by the monotonic clock of one boot of one machine.
            first_not_found_at INTEGER,
            first_not_found_steady INTEGER,
            first_not_found_boot TEXT,
            resendings INTEGER NOT NULL,
            failures INTEGER NOT NULL,
            due_at INTEGER,
            wait_reason TEXT,
            told TEXT,
            completed_at INTEGER,
            -- BOS's last answer; NULL in http_status means none yet.
            http_status INTEGER,
            response_code INTEGER,
            status INTEGER,
            message TEXT,
            operator_id TEXT,
            acknowledgement TEXT,
            UNIQUE (kind, reference)
        ) STRICT;

        CREATE INDEX jobs_waiting ON jobs (due_at) WHERE \(waiting);
        -- For the poller: by lane (whether the next step may move money), then by time.
        CREATE INDEX jobs_to_poll ON jobs ((kind = 'recharge' AND state = 'accepted'), poll_at) WHERE poll_at IS NOT NULL;
        -- For the operator's lists.
        CREATE INDEX jobs_unsettled ON jobs (kind, state, first_sent_at) WHERE \(unresolved);
        CREATE INDEX jobs_purchases ON jobs (purchase) WHERE purchase IS NOT NULL;

        -- The other recipients of a job's replies.
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
            -- Its place among the job's replies, from 1 on.
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
            -- Its place among the job's entries, from 1 on.
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

        -- The number of jobs in each state and their amount, so that no query has to count jobs.
        CREATE TABLE tallies (
            kind TEXT NOT NULL,
            state TEXT NOT NULL,
            count INTEGER NOT NULL,
            paise INTEGER NOT NULL,
            PRIMARY KEY (kind, state)
        ) STRICT, WITHOUT ROWID;

        -- One row that is written to check that the ledger can be written.
        CREATE TABLE checks (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL) STRICT;
        INSERT INTO checks VALUES (1, 0);
        """

    private static let second = """
        -- One row: the ledger's unique and permanent name, and a number that is written to check that the ledger can be written.
        -- The name is short, because the broker cuts off its error about two names after 252 bytes.
        CREATE TABLE ledger (id INTEGER PRIMARY KEY CHECK (id = 1), identity TEXT NOT NULL, checks INTEGER NOT NULL) STRICT;
        INSERT INTO ledger SELECT 1, lower(hex(randomblob(8))), count FROM checks;
        DROP TABLE checks;
        """

    private static let third = """
        -- The messages that have asked a question. A redelivered message gets its stored reply.
        CREATE TABLE questions (
            job INTEGER NOT NULL REFERENCES jobs,
            message_id TEXT NOT NULL,
            correlation_id TEXT NOT NULL,
            reply_to TEXT NOT NULL,
            -- The job's replies_before when the message asked; it identifies the round.
            round INTEGER NOT NULL,
            PRIMARY KEY (job, message_id, correlation_id, reply_to)
        ) STRICT, WITHOUT ROWID;
        """

    private static let fourth = """
        -- The API and account of the first request that may have reached BOS, and BOS's own number of the recharge.
        ALTER TABLE jobs ADD COLUMN sent_to TEXT;
        ALTER TABLE jobs ADD COLUMN bos_reference TEXT;
        -- How often BOS has refused this job's credentials while it accepted those of other jobs.
        ALTER TABLE jobs ADD COLUMN credential_refusals INTEGER NOT NULL DEFAULT 0;

        -- When the poller has put it back on its queue; NULL once a run has claimed it.
        ALTER TABLE jobs ADD COLUMN requeued_at INTEGER;
        CREATE INDEX jobs_in_queue ON jobs ((kind = 'recharge' AND state = 'accepted'), poll_at) WHERE requeued_at IS NOT NULL;

        -- Counts of BOS's answers. The row without an endpoint counts all answers that came after the table was full.
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
            -- How the recharges with this answer ended.
            succeeded INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            not_found INTEGER NOT NULL
        ) STRICT;

        CREATE INDEX codes_by_name ON codes (endpoint, http_status, response_code, status);
        """

    private static let fifth = """
        -- When the start of the job's age was first found to lie in the future.
        ALTER TABLE jobs ADD COLUMN ahead_since INTEGER;
        -- In milliseconds: the settle window in force when it was sent.
        ALTER TABLE jobs ADD COLUMN settle_window INTEGER;
        """

    private static let sixth = """
        -- The source of what is known of a recharge, or of its last verdict, as in publishing.md#a-reply.
        ALTER TABLE jobs ADD COLUMN evidence TEXT;
        """

    private static let seventh = """
        -- What operators have done. result and ended_at are NULL while the command runs, and for ever if it was interrupted.
        CREATE TABLE actions (
            id INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            user TEXT NOT NULL,
            host TEXT NOT NULL,
            command TEXT NOT NULL,
            subject TEXT NOT NULL,
            reason TEXT NOT NULL,
            ended_at INTEGER,
            result TEXT
        ) STRICT;

        -- The lanes whose jobs an operator keeps in their queue: money or questions.
        CREATE TABLE holds (
            lane TEXT PRIMARY KEY,
            since INTEGER NOT NULL,
            user TEXT NOT NULL,
            host TEXT NOT NULL,
            reason TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        """

    private static let eighth = """
        -- How often the ledger was restored from a copy. Until the last one has ended, a recharge that the ledger does not know may have been
        -- sent before.
        CREATE TABLE restorings (
            id INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            -- NULL if the copy was not marked.
            copied_at INTEGER,
            ended_at INTEGER
        ) STRICT;
        """
}
