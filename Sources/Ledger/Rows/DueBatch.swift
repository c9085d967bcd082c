package import JobModel

/// The poller's request for due jobs of one lane.
package struct DueRequest: Sendable {
    package var lane: JobLane
    package var now: Timestamp
    /// When the leased jobs are due again, unless ``Ledger/markRequeued(_:at:)`` records that they are back in their queue.
    package var leaseEnd: Timestamp
    /// The greatest number of jobs to lease.
    package var limit: Int
    /// How many requeued jobs of the lane may wait for a run at the same time. Jobs beyond that are not leased.
    package var maximumInQueue = Int.max
    /// Whether a requeued job that no run has claimed for ``DueJob/patience`` is leased again, because its message may be lost. `false` while
    /// messages wait for a consumer, because copies would fill the queue.
    package var repeatsLate = true

    /// Without a limit on requeued jobs; late jobs are leased again.
    package init(_ lane: JobLane, at now: Timestamp, leaseEnd: Timestamp, limit: Int) {
        self.lane = lane
        self.now = now
        self.leaseEnd = leaseEnd
        self.limit = limit
    }
}

/// The jobs that one request has leased.
package struct DueBatch: Sendable, Equatable {
    package var jobs: [DueJob]
    /// The ids of due jobs whose rows cannot be read. An operator has to look at them.
    package var unreadable: [Int64]

    package init(_ jobs: [DueJob], unreadable: [Int64] = []) {
        self.jobs = jobs
        self.unreadable = unreadable
    }
}
