package import JobModel

/// A due job, leased to a poller that puts it back on its queue.
package struct DueJob: Sendable, Equatable {
    /// How long a running or queued job may stay silent before it counts as lost and is due again. A duplicate is harmless; a lost job is not.
    package static let patience = Duration.seconds(900)

    package var id: Int64
    package var job: Job
    package var state: JobState
    /// Travels with the message. A copy that arrives after the job has gone on is recognised by it.
    package var dueAt: Timestamp?
    /// The trace of the job's first recipient.
    package var traceparent: String?
    /// Proves the lease: ``Ledger/markRequeued(_:at:)`` changes the job only while its lease ends at this time.
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
