package import JobModel

/// One step of a job's life, to be stored.
package struct Update: Sendable {
    package var jobID: Int64
    /// Who says so; the update is stored only while the job is still theirs.
    package var owner: String
    package var progress: Progress
    /// What its askers are told now, if anything.
    package var reply: Reply?
    /// Whether the owner goes on with it. An update that does not keep it leaves the job to the ledger: over, or waiting until it is due.
    package var keepsOwnership: Bool
    package var entry: HistoryEntry
    /// Answers of BOS that were heard in this step, or whose meaning it has brought to light: counted in the same transaction.
    package var sightings: [CodeSighting] = []

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
    /// Stored, with one reply for each asker if the update had one.
    case stored([OutgoingReply])
    /// Somebody else owns the job now, or it is over: nothing was changed.
    case lost
}
