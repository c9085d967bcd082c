package import JobModel

/// What a poller asks the ledger for.
package struct DueRequest: Sendable {
    package var lane: JobLane
    package var now: Timestamp
    /// When what is given is due again, unless ``Ledger/markRequeued(_:at:)`` says that it is in its queue.
    package var leaseEnd: Timestamp
    /// Jobs at once.
    package var limit: Int
    /// Jobs of the lane that the ledger has put on their queue and that no run has taken up: as many may be there at the same time.
    package var maximumInQueue = Int.max
    /// Whether a job that no run has taken up for ``DueJob/patience`` is given once more, because its message may be lost. Not while that
    /// message only waits for a consumer: the queue would fill with copies.
    package var repeatsLate = true

    package init(_ lane: JobLane, at now: Timestamp, leaseEnd: Timestamp, limit: Int) {
        self.lane = lane
        self.now = now
        self.leaseEnd = leaseEnd
        self.limit = limit
    }
}
