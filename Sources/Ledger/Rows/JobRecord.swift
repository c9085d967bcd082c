package import JobModel

/// A job as the ledger knows it.
package struct JobRecord: Sendable, Equatable {
    package var id: Int64
    package var job: Job
    package var fingerprint: [UInt8]
    /// The trace of who asked first.
    package var traceparent: String?
    package var acceptedAt: Timestamp
    package var progress: Progress
    /// The run that works on it; `nil` while it waits in the ledger or is over.
    package var owner: String?
    /// How many replies its askers have been told so far; numbers them for ``ReplyID``.
    package var repliesTold: Int

    package init(
        id: Int64, job: Job, fingerprint: [UInt8], traceparent: String? = nil, acceptedAt: Timestamp, progress: Progress,
        owner: String?, repliesTold: Int
    ) {
        self.id = id
        self.job = job
        self.fingerprint = fingerprint
        self.traceparent = traceparent
        self.acceptedAt = acceptedAt
        self.progress = progress
        self.owner = owner
        self.repliesTold = repliesTold
    }
}

extension Sequence<JobRecord> {
    /// Those before which none of the same merchant comes.
    package var firstOfEachMerchant: [JobRecord] {
        var merchants: Set<[UInt8]> = []
        return filter { merchants.insert(Array(($0.job.registerID ?? "").utf8)).inserted }
    }
}
