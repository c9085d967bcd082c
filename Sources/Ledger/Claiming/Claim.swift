package import JobModel

/// A job that has arrived and wants to be taken up.
package struct Claim: Sendable {
    package var job: Job
    /// Of what the message brought itself, without what the configuration added.
    package var fingerprint: [UInt8]
    /// `nil` for a job that the ledger itself has put back on its queue: nobody asks anew, and only a job that it knows is taken up.
    package var asker: Asker?
    /// When the job was due as the ledger put it back on its queue; with that, a message is known for a stale copy.
    package var dueWhenPutBack: Timestamp?
    /// A job that is due later than that was stored by a clock that has been set back, and is due. `nil`: there is no limit.
    package var longestPauses: LongestPauses?
    /// The message's own name, if it has one: by it a message that comes once more is told from a question that is asked anew.
    package var messageID: String?
    /// The broker has handed it to somebody before.
    package var isRedelivered = false
    /// It has waited for a run that worked on the job, and is among those that the run has answered.
    package var hasJoined = false
    /// What a new job buys, if purchases are watched for repeats.
    package var purchase: Purchase?
    /// A person takes it up, and with it what was left to one.
    package var takesParked = false
    /// Names the run that would work on it: one name for one run of one job in one process, never used again.
    package var owner: String
    /// Whether the run of that name still goes on. A job whose owner is gone is taken over. Called
    /// inside the transaction, so it must be quick.
    package var isLive: @Sendable (_ owner: String) -> Bool
    package var now: Timestamp
    /// Stored if the job is new: what its state machine made of it, the intent to send included.
    package var progress: Progress
    /// Stored with it if the job is new, and over or held back at once.
    package var reply: Reply?
    package var entry: HistoryEntry

    package init(
        job: Job, fingerprint: [UInt8], asker: Asker?, owner: String,
        isLive: @escaping @Sendable (_ owner: String) -> Bool = { _ in false }, now: Timestamp, progress: Progress,
        reply: Reply? = nil, entry: HistoryEntry
    ) {
        self.job = job
        self.fingerprint = fingerprint
        self.asker = asker
        self.owner = owner
        self.isLive = isLive
        self.now = now
        self.progress = progress
        self.reply = reply
        self.entry = entry
    }

    package struct Purchase: Sendable {
        /// Equal for what a customer would see twice.
        package var key: [UInt8]
        /// A job of the same key stands in the way of a new one if it is not over, however old it is, or was accepted or ended at this
        /// time or later; not if it was proven to be unexecuted. `nil` if none does.
        package var notSince: Timestamp?

        package init(key: [UInt8], notSince: Timestamp?) {
            self.key = key
            self.notSince = notSince
        }
    }

    /// The message, if it has a name and asks what can be asked anew.
    package var question: Question? {
        guard job.kind != .recharge, let asker, let messageID else { return nil }
        return Question(messageID: messageID, asker: asker)
    }

    /// By what a message that comes once more is known. The same name under another address is another message: its answer goes elsewhere.
    package struct Question: Sendable {
        package let messageID: String
        package let asker: Asker

        package func isSame(as other: Question) -> Bool {
            messageID.utf8.elementsEqual(other.messageID.utf8) && asker.isSame(as: other.asker)
        }
    }

    /// Who owns the job once it is inserted as claimed.
    package var firstOwner: String? { progress.state.isFinal || progress.state.needsManualReview ? nil : owner }
}

/// What the ledger makes of a claim. Every case but `conflict`, `repeats` and `unknown` knows the asker from then on.
package enum ClaimResult: Sendable, Equatable {
    /// Nobody had it, or it is a question asked anew: it is stored as claimed and is the claimer's to work on. Replies only if it
    /// was over, or held back, at once.
    case new(JobRecord, [OutgoingReply])
    /// It was begun and left by a run that is gone, or waited and has come due: the claimer owns it now and goes on with what is
    /// stored. Its own progress and entry were not stored.
    case resumed(JobRecord)
    /// A live run, of this name, works on it already; the asker will be told with the others. One who asks with other content, or who
    /// comes when ``Claim/maximumAskers`` are waiting, is told nothing by that run: it claims again when the run is over.
    /// - Parameters:
    ///   - isTold: the asker is stored among those that the run tells.
    ///   - replies: what the others were told so far, if anything, for an asker who has not heard it.
    case joined(owner: String, isTold: Bool = true, [OutgoingReply] = [])
    /// It waits in the ledger until its due time, or for a person. The reply that the others were told so far, if any, for this asker.
    case waiting([OutgoingReply])
    /// It is over: its last reply, for this asker.
    case answered([OutgoingReply])
    /// The reference belongs to a recharge with other content. Nothing was stored but a line in that job's history.
    case conflict
    /// Nobody had it, but this job buys the same and stands in the way. Nothing was stored.
    case repeats(reference: String)
    /// It was put back on its queue by a ledger that knew it, and this one does not: whether it was sent before, nobody can say.
    case unknown
}

extension ClaimResult {
    /// What a store has to do about a claim: decided here once for all stores.
    package enum Decision: Sendable, Equatable {
        case insert
        /// A question asked anew after its last answer: start over in the same record.
        case reopen
        case resume
        /// A question that waits in the ledger came with other content: it is asked with that from now on, for all its askers.
        case replace
        case join
        /// A run works on the question with other content: what it finds is no answer to this claim.
        case waitForRun
        case wait
        case answer
        /// Its message asked in an earlier round, and gets the end of that once more: the first final reply to its asker since then.
        case recall
        case conflict
        case refuse
    }

    /// Whether a claim's message has been here before. What is asked anew begins a new round of the same record.
    package enum Message: Sendable {
        case unknown
        /// It has come before and asked in this round (``Claim/question``), or a reply of this round to this very asker was never confirmed by the broker.
        case ofThisRound
        case ofEarlierRound

        /// - Parameters:
        ///   - round: in which a message of this name has asked last, if any. What the broker hands out for the first time is a new
        ///     question all the same, by an upstream that gives all of them one name.
        ///   - owesAsker: whether a reply of the current round to this asker was stored and never confirmed.
        package init(_ claim: Claim, askedIn round: Int?, current: Int, owesAsker: Bool) {
            switch claim.isRedelivered ? round : nil {
            case let round? where round < current: self = .ofEarlierRound
            case .some: self = .ofThisRound
            case nil: self = owesAsker ? .ofThisRound : .unknown
            }
        }
    }

    /// - Parameter record: what is stored under the claim's kind and reference.
    package static func decide(_ claim: Claim, on record: JobRecord?, _ message: Message) -> Decision {
        guard let record else { return claim.asker == nil ? .refuse : .insert }
        let isSame = record.fingerprint == claim.fingerprint || record.job.hasSameContent(as: claim.job)
        switch record.job.kind {
        case .recharge: if !isSame { return .conflict }
        case .rechargeStatus, .panStatus: if message == .ofEarlierRound { return .recall }
        }
        // What the ledger has put back, and what has asked before, goes on with the content of today.
        if !isSame, claim.asker != nil, message == .unknown { return decide(claim, withOtherContentThan: record) }
        if record.progress.state.isFinal {
            let isNew = claim.asker != nil && message == .unknown && !claim.hasJoined
            return isNew && record.canBeAskedAnew ? .reopen : .answer
        }
        if record.progress.state.needsManualReview, !claim.takesParked {
            // What is held back is over one day, whether a person comes or not.
            guard record.progress.state == .held, let deadline = record.progress.dueAt, deadline <= claim.now else { return .wait }
        }
        if let owner = record.owner { return claim.isLive(owner) ? .join : .resume }
        return claim.mustWait(for: record) ? .wait : .resume
    }

    /// A question moves no money: the one who asks with other content has corrected a mistake, or asks for another reason.
    private static func decide(_ claim: Claim, withOtherContentThan record: JobRecord) -> Decision {
        if record.progress.state.isFinal { return record.canBeAskedAnew ? .reopen : .answer }
        if let owner = record.owner, claim.isLive(owner) { return .waitForRun }
        // A question that is too late ends no other one.
        return claim.progress.state.isFinal ? .conflict : .replace
    }
}

extension JobRecord {
    /// What became of a recharge can change (a refund), so that question is asked afresh each time; a PAN application until it is completed.
    fileprivate var canBeAskedAnew: Bool {
        switch job.kind {
        case .recharge: false
        case .rechargeStatus: true
        case .panStatus: progress.state != .succeeded
        }
    }
}

extension Claim {
    /// Whether a job that no run works on is not due yet.
    fileprivate func mustWait(for record: JobRecord) -> Bool {
        guard let dueAt = record.progress.dueAt, dueAt > now, !takesParked else { return false }
        if let limit = longestPauses?.limit(record.progress.state), dueAt - now > limit { return false }
        // Put back on its queue because it was due, by a clock that need not be ours, unless the job went on since.
        return asker != nil || dueWhenPutBack != dueAt
    }

    /// So many are told the end of a job, with the one who asked first. Who comes later is told what is known then, and gets the end by
    /// asking again after it.
    package static let maximumAskers = 1_000
}

extension Claim {
    /// The line that goes into the job's history with this decision, if any.
    package func entry(for decision: ClaimResult.Decision) -> HistoryEntry? {
        switch decision {
        case .insert, .reopen: entry
        case .resume: HistoryEntry(at: now, .resumed)
        case .replace: HistoryEntry(at: now, .resumed, "asked with other content from now on")
        case .conflict: HistoryEntry(at: now, .conflict, "the same reference came with other content and was refused")
        case .join, .waitForRun, .wait, .answer, .recall, .refuse: nil
        }
    }
}
