package import JobModel

/// A job as the ledger has stored it.
package struct JobRecord: Sendable, Equatable {
    package var id: Int64
    package var job: Job
    package var fingerprint: [UInt8]
    /// The trace of the job's first recipient.
    package var traceparent: String?
    package var acceptedAt: Timestamp
    package var progress: Progress
    /// The run that works on the job; `nil` while it waits in the ledger or is final.
    package var owner: String?
    /// How many replies the job has had so far, however many recipients each had. ``ReplyID`` contains the number.
    package var replyCount: Int

    package init(
        id: Int64, job: Job, fingerprint: [UInt8], traceparent: String? = nil, acceptedAt: Timestamp, progress: Progress,
        owner: String?, replyCount: Int
    ) {
        self.id = id
        self.job = job
        self.fingerprint = fingerprint
        self.traceparent = traceparent
        self.acceptedAt = acceptedAt
        self.progress = progress
        self.owner = owner
        self.replyCount = replyCount
    }
}

extension Progress {
    /// When the poller puts the job back on its queue, whatever has happened to its delivery and its run until then.
    /// `nil` if the job is final, parked, or held without a deadline.
    /// - Parameters:
    ///   - isOwned: whether a run works on the job.
    ///   - now: when this progress is stored.
    package func pollAt(isOwned: Bool, storedAt now: Timestamp) -> Timestamp? {
        guard !state.isFinal, state != .parked else { return nil }
        guard state != .held else { return dueAt }
        guard !isOwned, let dueAt else { return now + DueJob.patience }
        return dueAt
    }
}

extension Sequence<JobRecord> {
    /// Each merchant's first record.
    package var firstOfEachMerchant: [JobRecord] {
        var merchants: Set<[UInt8]> = []
        return filter { merchants.insert(Array(($0.job.registerID ?? "").utf8)).inserted }
    }
}
