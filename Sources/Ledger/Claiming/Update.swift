package import JobModel

/// One step of a job, to be stored.
package struct Update: Sendable {
    package var jobID: Int64
    /// The run that makes the update. The update is ignored unless this run still owns the job.
    package var owner: String
    package var progress: Progress
    /// The reply that this step publishes to each recipient, if any.
    package var reply: Reply?
    /// Whether the run goes on with the job. If not, the job is final, or waits in the ledger until it is due.
    package var keepsOwnership: Bool
    package var entry: HistoryEntry
    /// Answers that BOS gave in this step, and outcomes of recharges with earlier answers. They are counted in the same transaction.
    package var sightings: [CodeSighting] = []

    /// An update without sightings; set them as a property.
    package init(
        jobID: Int64, owner: String, progress: Progress, reply: Reply? = nil, keepsOwnership: Bool, entry: HistoryEntry
    ) {
        self.jobID = jobID
        self.owner = owner
        self.progress = progress
        self.reply = reply
        self.keepsOwnership = keepsOwnership
        self.entry = entry
    }
}

package enum UpdateResult: Sendable, Equatable {
    /// The update is stored, with one reply for each recipient if it had one.
    case stored([OutgoingReply])
    /// Another run owns the job, or the job has no owner, or is not known. Nothing was changed.
    case lost
}
