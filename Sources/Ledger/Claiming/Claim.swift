package import JobModel

/// A run's request to the ledger for the right to work on a job.
package struct Claim: Sendable {
    package var job: Job
    /// A hash of the content that the message itself brought, without the values that the configuration added.
    package var fingerprint: [UInt8]
    /// `nil` for a job that the poller has put back on its queue. Such a claim adds no recipient, and never inserts a job.
    package var recipient: ReplyRecipient?
    /// The job's due time when the poller put it back on its queue. A message with another due time than the stored one is a stale copy.
    package var dueWhenRequeued: Timestamp?
    /// A job that is due later than these pauses allow was stored before a clock was set back, and counts as due. `nil`: no limit.
    package var longestPauses: LongestPauses?
    /// The message's `message_id`, if any. It distinguishes a redelivery from a new question.
    package var messageID: String?
    /// Whether the broker has delivered the message before.
    package var isRedelivered = false
    /// Whether this claim has waited for another run. That run has published the reply to this claim's recipient.
    package var hasJoined = false
    /// What a new job buys; `nil` if purchases are not checked for repeats.
    package var purchase: Purchase?
    /// Whether an operator claims the job. An operator's claim also gets parked and held jobs, and jobs that are not due yet.
    package var isFromOperator = false
    /// The name of the run that makes the claim. A name belongs to one run of one job in one process, and is never used again.
    package var owner: String
    /// Whether the run of that name still works. A claim takes over a job whose owner does not. Called inside the transaction, so it must be
    /// quick.
    package var isLive: @Sendable (_ owner: String) -> Bool
    package var now: Timestamp
    /// The state machine's first progress. Stored if the job is new; the intent to send is part of it.
    package var progress: Progress
    /// Stored if the job is new and its first progress already has a reply: it is final or held at once.
    package var reply: Reply?
    /// The history entry of a new job.
    package var entry: HistoryEntry

    /// A claim without the optional parts; set them as properties.
    /// - Parameter isLive: without it, no other run counts as working.
    package init(
        job: Job, fingerprint: [UInt8], recipient: ReplyRecipient?, owner: String,
        isLive: @escaping @Sendable (_ owner: String) -> Bool = { _ in false }, now: Timestamp, progress: Progress,
        reply: Reply? = nil, entry: HistoryEntry
    ) {
        self.job = job
        self.fingerprint = fingerprint
        self.recipient = recipient
        self.owner = owner
        self.isLive = isLive
        self.now = now
        self.progress = progress
        self.reply = reply
        self.entry = entry
    }

    /// What a recharge buys, to find repeated purchases under another reference.
    package struct Purchase: Sendable {
        /// Two purchases that a customer would notice as the same have the same key.
        package var key: [UInt8]
        /// Another job with this key blocks the new one while it is not final, and if it was accepted or finished at or after this time.
        /// A job that was proven not to be executed never blocks. `nil`: do not check.
        package var notSince: Timestamp?

        package init(key: [UInt8], notSince: Timestamp?) {
            self.key = key
            self.notSince = notSince
        }
    }

    /// The identity of the claim's message; `nil` for a recharge, a requeued job, or a message without a `message_id`.
    package var question: Question? {
        guard job.kind != .recharge, let recipient, let messageID else { return nil }
        return Question(messageID: messageID, recipient: recipient)
    }

    /// The identity of a question's message. Two messages with one `message_id` but different recipients differ: their replies go to different
    /// places.
    package struct Question: Sendable {
        package let messageID: String
        package let recipient: ReplyRecipient

        package func isSame(as other: Question) -> Bool {
            messageID.utf8.elementsEqual(other.messageID.utf8) && recipient.isSame(as: other.recipient)
        }
    }

    /// The job's owner after the insert; `nil` if the job is final or left to the operator at once.
    package var firstOwner: String? { progress.state.isFinal || progress.state.needsManualReview ? nil : owner }

    /// The greatest number of recipients of a job's replies, the first one included. A later caller gets the current reply, and the final one by
    /// publishing the job again after the end.
    package static let maximumRecipients = 1_000
}

/// The ledger's answer to a claim. In every case but `conflict`, `repeats` and `unknown`, the claim's recipient is among those of the job.
package enum ClaimResult: Sendable, Equatable {
    /// The job was not known, or the question starts a new round. The ledger has stored the claim, and its run works on the job. There are
    /// replies only if the job is final or held at once.
    case new(JobRecord, [OutgoingReply])
    /// The run takes over a stored job: its owner is gone, or it waited and is due. The run goes on with the stored progress. The claim's
    /// own progress and entry were not stored.
    case resumed(JobRecord)
    /// Another live run works on the job.
    /// - Parameters:
    ///   - owner: that run's name.
    ///   - isRecipient: whether that run also replies to the claim's recipient. If not, the claimer claims again after that run: its content
    ///     differs, or the job has ``Claim/maximumRecipients`` recipients.
    ///   - replies: the round's last reply, if there is one that the recipient has not had.
    case joined(owner: String, isRecipient: Bool = true, [OutgoingReply] = [])
    /// The job waits in the ledger for its due time or for the operator. The result has the round's last reply for the recipient, if any.
    case waiting([OutgoingReply])
    /// The job is final. The result has its last reply for the recipient.
    case answered([OutgoingReply])
    /// The reference belongs to a job with other content. Only an entry in that job's history was stored.
    case conflict
    /// The job is new, but this other job buys the same. Nothing was stored.
    case repeats(reference: String)
    /// The poller had put the job back on its queue, but this ledger does not know it: the ledger was lost or exchanged. It is unknown whether
    /// the job was sent. Nothing was stored.
    case unknown
}
