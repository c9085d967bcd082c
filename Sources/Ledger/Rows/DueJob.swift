package import JobModel

/// A job that waits in the ledger and has come due, leased to whoever puts it back on its queue.
package struct DueJob: Sendable, Equatable {
    /// How long a job that a run works on, or that is in its queue, may take before it counts as lost and is due again. A job that comes
    /// twice does no harm; one that never comes does.
    package static let patience = Duration.seconds(900)

    package var id: Int64
    package var job: Job
    package var state: JobState
    /// Travels with the message, so that a copy of it that comes after the job went on is known for one.
    package var dueAt: Timestamp?
    /// The trace of who asked first.
    package var traceparent: String?
    /// Proves the lease: the job is marked only while this is still its lease's end.
    package var leaseEnd: Timestamp

    package init(id: Int64, job: Job, state: JobState, dueAt: Timestamp?, traceparent: String?, leaseEnd: Timestamp) {
        self.id = id
        self.job = job
        self.state = state
        self.dueAt = dueAt
        self.traceparent = traceparent
        self.leaseEnd = leaseEnd
    }
}

/// What was leased at once.
package struct DueBatch: Sendable, Equatable {
    package var jobs: [DueJob]
    /// Jobs whose rows cannot be read, by their ids: for a person.
    package var unreadable: [Int64]

    package init(_ jobs: [DueJob], unreadable: [Int64] = []) {
        self.jobs = jobs
        self.unreadable = unreadable
    }
}

extension Progress {
    /// When a job is due for the poller: every job that is not over is looked after one day, whatever became of its delivery and its run.
    /// `nil` if it is over, parked, or held back without a deadline.
    /// - Parameters:
    ///   - isOwned: a run works on it.
    ///   - now: when this progress was stored.
    package func pollAt(isOwned: Bool, storedAt now: Timestamp) -> Timestamp? {
        guard !state.isFinal, state != .parked else { return nil }
        guard state != .held else { return dueAt }
        guard !isOwned, let dueAt else { return now + DueJob.patience }
        return dueAt
    }
}

extension HistoryEntry {
    /// The line for a job that was put back on its queue.
    package static func requeued(at now: Timestamp) -> HistoryEntry { HistoryEntry(at: now, .requeued) }
}
