import JobModel
import Ledger

/// The columns of `jobs`, in the order in which they are written and read. `progress`, `placeholders`, `bind` and `record` change together.
enum JobColumns {
    static let progress = """
        state, attempts, enquiries, doubt, first_sent_at, not_found_answers, first_not_found_at, first_not_found_steady, \
        first_not_found_boot, resendings, failures, due_at, wait_reason, told, completed_at, http_status, response_code, status, message, operator_id, acknowledgement, \
        sent_to, bos_reference, credential_refusals, ahead_since, settle_window, \
        evidence
        """
    static let placeholders = Array(repeating: "?", count: 27).joined(separator: ", ")
    static let read = """
        id, kind, body, fingerprint, accepted_at, owner, replies_told, replies_before, correlation_id, reply_to, traceparent, \(progress)
        """
    private static let firstOfProgress: Int32 = 11

    static func bind(_ progress: Progress, to binder: inout Binder) {
        binder.bind(progress.state.rawValue)
        binder.bind(progress.attempts)
        binder.bind(progress.enquiries)
        binder.bind(progress.doubt?.rawValue)
        binder.bind(progress.firstSentAt?.milliseconds)
        binder.bind(progress.notFoundAnswers)
        binder.bind(progress.firstNotFound?.wallClock.milliseconds)
        binder.bind(progress.firstNotFound?.monotonic.milliseconds)
        binder.bind(progress.firstNotFound?.monotonic.boot)
        binder.bind(progress.resendings)
        binder.bind(progress.failures)
        binder.bind(progress.dueAt?.milliseconds)
        binder.bind(progress.waitReason?.rawValue)
        binder.bind(progress.reported)
        binder.bind(progress.completedAt?.milliseconds)
        binder.bind(progress.answer?.httpStatus)
        binder.bind(progress.answer?.responseCode)
        binder.bind(flag: progress.answer?.status)
        binder.bind(progress.answer?.message)
        binder.bind(progress.answer?.operatorID)
        binder.bind(progress.answer?.acknowledgement)
        binder.bind(progress.sentTo)
        binder.bind(progress.bosReference)
        binder.bind(progress.credentialRefusals)
        binder.bind(progress.aheadSince?.milliseconds)
        binder.bind(progress.notFoundWindow?.wholeMilliseconds)
        binder.bind(progress.evidence?.rawValue)
    }

    /// Decodes a row of `read`.
    /// - Throws: ``LedgerError/unreadable(_:)`` if this program cannot have written the row.
    static func record(_ row: Columns) throws -> StoredJob {
        let id = row.int64(0)
        guard let kind = JobKind(rawValue: row.text(1)), let job = Job(kind: kind, body: row.bytes(2)) else {
            throw LedgerError.unreadable("kind or body of job \(id)")
        }
        let record = JobRecord(
            id: id, job: job, fingerprint: row.bytes(3), traceparent: row.optionalText(10),
            acceptedAt: try row.timestamp(4, named: "accepted_at of job \(id)"), progress: try progress(row, job: id),
            owner: row.optionalText(5),
            replyCount: try row.count(6, named: "replies_told of job \(id)"))
        return StoredJob(
            record: record, roundStart: try row.count(7, named: "replies_before of job \(id)"), firstRecipient: ReplyRecipient(row, from: 8)
        )
    }

    private static func progress(_ row: Columns, job id: Int64) throws -> Progress {
        let first = firstOfProgress
        var progress = Progress()
        progress.state = try row.value(first, named: "state of job \(id)")
        progress.attempts = try row.count(first + 1, named: "attempts of job \(id)")
        progress.enquiries = try row.count(first + 2, named: "enquiries of job \(id)")
        progress.doubt = try row.optionalValue(first + 3, named: "doubt of job \(id)")
        progress.firstSentAt = try row.optionalTimestamp(first + 4, named: "first_sent_at of job \(id)")
        progress.notFoundAnswers = try row.count(first + 5, named: "not_found_answers of job \(id)")
        progress.firstNotFound = try row.optionalTimestamp(first + 6, named: "first_not_found_at of job \(id)").map { wallClock in
            let monotonic = try row.milliseconds(first + 7, named: "first_not_found_steady of job \(id)")
            return ClockReading(wallClock: wallClock, monotonic: BootTime(boot: row.text(first + 8), milliseconds: monotonic))
        }
        progress.resendings = try row.count(first + 9, named: "resendings of job \(id)")
        progress.failures = try row.count(first + 10, named: "failures of job \(id)")
        progress.dueAt = try row.optionalDueTime(first + 11, named: "due_at of job \(id)")
        progress.waitReason = try row.optionalValue(first + 12, named: "wait_reason of job \(id)")
        progress.reported = row.optionalText(first + 13)
        progress.completedAt = try row.optionalTimestamp(first + 14, named: "completed_at of job \(id)")
        if let httpStatus = row.optionalInt64(first + 15) {
            progress.answer = Answer(
                httpStatus: Int(httpStatus), responseCode: row.optionalInt64(first + 16).map { Int($0) },
                status: row.optionalInt64(first + 17).map { $0 != 0 }, message: row.text(first + 18),
                operatorID: row.optionalText(first + 19), acknowledgement: row.optionalText(first + 20))
        }
        progress.sentTo = row.optionalText(first + 21)
        progress.bosReference = row.optionalText(first + 22)
        progress.credentialRefusals = try row.count(first + 23, named: "credential_refusals of job \(id)")
        progress.aheadSince = try row.optionalTimestamp(first + 24, named: "ahead_since of job \(id)")
        progress.notFoundWindow = try row.optionalMilliseconds(first + 25, named: "settle_window of job \(id)").map { .milliseconds($0) }
        progress.evidence = try row.optionalValue(first + 26, named: "evidence of job \(id)")
        return progress
    }
}

/// A row of `jobs`.
struct StoredJob {
    var record: JobRecord
    /// The job's ``JobRecord/replyCount`` when the current round started. Replies with greater numbers belong to this round.
    var roundStart: Int
    var firstRecipient: ReplyRecipient
}

extension Claim.Question {
    /// Binds the columns `message_id`, `correlation_id` and `reply_to`.
    func bind(to binder: inout Binder) {
        binder.bind(messageID)
        binder.bind(recipient.correlationID)
        binder.bind(recipient.replyTo ?? "")
    }
}

extension ReplyRecipient {
    /// Reads the columns `correlation_id`, `reply_to` and `traceparent`. An empty `reply_to` means none.
    init(_ row: Columns, from first: Int32) {
        let replyTo = row.text(first + 1)
        self.init(
            correlationID: row.text(first), replyTo: replyTo.isEmpty ? nil : replyTo, traceparent: row.optionalText(first + 2))
    }

    /// Binds the columns `correlation_id`, `reply_to` and `traceparent`.
    func bind(to binder: inout Binder) {
        binder.bind(correlationID)
        binder.bind(replyTo ?? "")
        binder.bind(traceparent)
    }
}
