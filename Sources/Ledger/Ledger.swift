package import JobModel

/// Where jobs, their progress and the replies owed for them are kept, so that a crash at any point loses nothing.
///
/// Every awaited write returns only once it is durable. Every method throws ``LedgerError`` and then has changed nothing.
/// Stores differ in durability and speed, never in meaning: one conformance kit holds them all.
package protocol Ledger: Sendable {
    /// Takes a job up: inserts it, or says what is known of it already. Adds the asker to those who get the job's replies.
    /// A reply that was told before and is returned is owed again, until it is marked as published again.
    ///
    /// In the same transaction as the insert the claim's first progress is stored, so that one commit covers the claim and the
    /// intent to send.
    func claim(_ claim: Claim) async throws(LedgerError) -> ClaimResult

    /// Stores a job's progress and, where it has one, the reply to each of its askers, all in one transaction.
    ///
    /// Nobody owns a job that is over, whatever the update says. Replies come in the order of their askers' correlation ids.
    func update(_ update: Update) async throws(LedgerError) -> UpdateResult

    /// Remembers that the broker has confirmed these replies. Unknown ids and repeats change nothing.
    func markPublished(_ ids: [OutgoingReply.ID]) async throws(LedgerError)

    /// Replies that were stored and never marked as published, oldest first. One that cannot be read stands in no other's way.
    /// - Parameter id: only replies behind this one; `nil` starts at the oldest.
    func unpublishedReplies(after id: OutgoingReply.ID?, limit: Int) async throws(LedgerError) -> OwedReplies

    /// The last of those replies, by its id; `nil` if none is owed.
    func lastUnpublishedReply() async throws(LedgerError) -> OutgoingReply.ID?

    /// Takes jobs that have come due in a lane, the longest due first. Until the lease is over nobody else is given them; a holder that is
    /// gone by then has lost nothing. One that cannot be read is leased too, so that it stands in nobody's way.
    func takeDue(_ request: DueRequest) async throws(LedgerError) -> DueBatch

    /// Makes due what is due later than a job can have been told to wait: a clock was set back since it was stored.
    /// - Returns: how many jobs, some hundreds at a time.
    func bringForward(at now: Timestamp, _ longest: LongestPauses) async throws(LedgerError) -> Int

    /// Remembers that these jobs are in their queue: they are not due again for ``DueJob/patience``. Those whose lease was lost, or
    /// that somebody works on already, stay as they are.
    func markRequeued(_ jobs: [DueJob], at now: Timestamp) async throws(LedgerError)

    /// Jobs in a state, the longest in the ledger first; those that cannot be read are left out (``unreadable(limit:)``). Quick for what is
    /// not over; for any other state it may read every job.
    func jobs(_ kind: JobKind, in state: JobState, limit: Int) async throws(LedgerError) -> [JobRecord]

    /// Rows that matter still and cannot be read: of jobs that are not over, and of replies that are owed.
    func unreadable(limit: Int) async throws(LedgerError) -> [UnreadableRow]

    /// One job with its whole history, oldest entry first.
    func job(_ kind: JobKind, _ reference: String) async throws(LedgerError) -> (record: JobRecord, history: [HistoryEntry])?

    /// The newest recharge of each merchant that BOS itself said it has done, in its answer to `DoRecharge`, at this destination: no enquiry was
    /// needed, and no person's word. The newest comes first. Looked for among the newest ``lastExecutedSpan`` jobs only, so that it stays quick however
    /// many there are.
    /// - Parameter destination: as in `Progress.sentTo`.
    func lastExecuted(sentTo destination: String) async throws(LedgerError) -> [JobRecord]

    /// Recharges that may have been executed at another destination than this one, and are not settled: being sent, in doubt or parked.
    /// Those whose destination is not known are not among them.
    func doubtsSentElsewhere(than destination: String) async throws(LedgerError) -> DoubtTotal

    /// Which answers BOS has given, by endpoint, status and code; what did not fit (``CodeCount/maximum``) comes last.
    func codes() async throws(LedgerError) -> [CodeCount]

    /// Counts and ages over all jobs; cheap enough to be asked every few seconds.
    func summary() async throws(LedgerError) -> LedgerSummary

    /// Writes something harmless, so that readiness is a fact.
    func checkWritable() async throws(LedgerError)

    /// Commits what waits and lets go of the store. Whatever comes later throws ``LedgerError/closed``.
    func close() async
}

extension Ledger {
    package func takeDue(_ lane: JobLane, at now: Timestamp, leaseEnd: Timestamp, limit: Int) async throws(LedgerError) -> DueBatch {
        try await takeDue(DueRequest(lane, at: now, leaseEnd: leaseEnd, limit: limit))
    }

    /// Among how many of the newest jobs ``lastExecuted(sentTo:)`` looks.
    package static var lastExecutedSpan: Int64 { 10_000 }
}
