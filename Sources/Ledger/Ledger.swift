package import JobModel

/// The store of all jobs, their progress and their replies. A crash at any point loses nothing that was stored.
///
/// A write returns only once it is durable. Each method throws ``LedgerError``, and has then changed nothing.
/// Stores differ in durability and speed, never in meaning: `LedgerContract` in `LedgerKit` tests all of them.
package protocol Ledger: Sendable {
    /// Stores a new job, or finds the stored one and says what the claimer may do. Adds the claim's recipient to those of the job's replies.
    ///
    /// A new job's first progress is stored in the same transaction, so that one commit covers the claim and the intent to send.
    /// A stored reply that the result contains is owed again until ``markPublished(_:)`` names it.
    func claim(_ claim: Claim) async throws(LedgerError) -> ClaimResult

    /// Stores a job's progress and its reply to each recipient, if it has one, in one transaction.
    ///
    /// A final job has no owner afterwards, even if the update keeps ownership. Replies are sorted by their recipients' correlation ids.
    func update(_ update: Update) async throws(LedgerError) -> UpdateResult

    /// Records that the broker has confirmed these replies. Unknown ids and repeated calls change nothing.
    func markPublished(_ ids: [OutgoingReply.ID]) async throws(LedgerError)

    /// Replies that were stored and never marked as published, oldest first. Unreadable replies do not block the others.
    /// - Parameter id: only replies with a greater id are returned; `nil` starts at the oldest.
    func unpublishedReplies(after id: OutgoingReply.ID?, limit: Int) async throws(LedgerError) -> OwedReplies

    /// The greatest id among the unpublished replies; `nil` if there are none.
    func lastUnpublishedReply() async throws(LedgerError) -> OutgoingReply.ID?

    /// Leases due jobs of a lane, the longest due first. No other poller gets them before the lease ends. A poller that dies before that loses
    /// nothing. Unreadable rows are leased too, so that they do not block the others.
    func takeDue(_ request: DueRequest) async throws(LedgerError) -> DueBatch

    /// Makes jobs due that wait longer than any pause of this program: a clock was set back after they were stored.
    /// - Returns: how many jobs were changed; a call changes some hundreds at most.
    func bringForward(at now: Timestamp, _ longest: LongestPauses) async throws(LedgerError) -> Int

    /// Records that these jobs are back in their queue. They are not due again for ``DueJob/patience``. Jobs whose lease was lost or that
    /// have an owner by now do not change.
    func markRequeued(_ jobs: [DueJob], at now: Timestamp) async throws(LedgerError)

    /// Jobs in a state, the oldest in the ledger first. Unreadable jobs are left out (see ``unreadable(limit:)``). Quick for states that are not
    /// final; for final states it may read every job.
    func jobs(_ kind: JobKind, in state: JobState, limit: Int) async throws(LedgerError) -> [JobRecord]

    /// Unreadable rows that still matter: jobs that are not final, and replies that are owed.
    func unreadable(limit: Int) async throws(LedgerError) -> [UnreadableRow]

    /// One job with its whole history, oldest entry first; `nil` if the ledger does not know it.
    func job(_ kind: JobKind, reference: String) async throws(LedgerError) -> (record: JobRecord, history: [HistoryEntry])?

    /// Each merchant's newest recharge that BOS executed at this destination according to its answer to `DoRecharge`, without an enquiry or an
    /// operator's decision. The newest comes first. Only the newest ``lastExecutedSpan`` jobs are searched, so that the query stays quick.
    /// - Parameter destination: as in `Progress.sentTo`.
    func lastExecuted(sentTo destination: String) async throws(LedgerError) -> [JobRecord]

    /// Recharges that may have been executed at another destination than this one: in the states sending, in doubt or parked.
    /// Recharges of unknown destination are not counted.
    func doubtsSentElsewhere(than destination: String) async throws(LedgerError) -> DoubtTotal

    /// The answers that BOS has given, by endpoint, status and code. The common count of all answers beyond ``CodeCount/maximum`` comes last.
    func codes() async throws(LedgerError) -> [CodeCount]

    /// The PAN applications that BOS has not decided. Reads each of them: for a call every minute, not every few seconds.
    func pendingApplications() async throws(LedgerError) -> PendingApplications

    /// Counts and ages over all jobs; cheap enough for a call every few seconds.
    func summary() async throws(LedgerError) -> LedgerSummary

    /// Writes a number without meaning, to prove that the ledger can be written.
    func checkWritable() async throws(LedgerError)

    /// Commits all pending operations and closes the store. Later calls throw ``LedgerError/closed``.
    func close() async
}

extension Ledger {
    /// Leases due jobs of a lane, without the further limits of a ``DueRequest``.
    package func takeDue(_ lane: JobLane, at now: Timestamp, leaseEnd: Timestamp, limit: Int) async throws(LedgerError) -> DueBatch {
        try await takeDue(DueRequest(lane, at: now, leaseEnd: leaseEnd, limit: limit))
    }

    /// How many of the newest jobs ``lastExecuted(sentTo:)`` searches.
    package static var lastExecutedSpan: Int64 { 10_000 }
}
