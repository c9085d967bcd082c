package import JobModel

/// A job's reply to one recipient. It is owed until the broker has confirmed it.
package struct OutgoingReply: Sendable, Equatable, Identifiable {
    package var id: Int64
    /// The same for each copy of this reply to this recipient, so that callers can drop repeats.
    package var messageID: String
    package var recipient: ReplyRecipient
    package var kind: JobKind
    package var outcome: Outcome
    /// The job's amount; 0 for questions.
    package var amount: Money
    package var acceptedAt: Timestamp
    package var body: [UInt8]

    package init(
        id: Int64, messageID: String, recipient: ReplyRecipient, kind: JobKind, outcome: Outcome, amount: Money, acceptedAt: Timestamp,
        body: [UInt8]
    ) {
        self.id = id
        self.messageID = messageID
        self.recipient = recipient
        self.kind = kind
        self.outcome = outcome
        self.amount = amount
        self.acceptedAt = acceptedAt
        self.body = body
    }

    /// The job's last reply, addressed to one recipient. `record.replyCount` already includes it.
    /// - Parameters:
    ///   - id: 0 until the reply is stored.
    ///   - body: `reply.body`, encoded once for all recipients.
    package init(_ reply: Reply, to recipient: ReplyRecipient, of record: JobRecord, body: [UInt8], id: Int64 = 0) {
        self.init(
            id: id,
            messageID: ReplyID.make(
                kind: record.job.kind, reference: record.job.reference, recipient: recipient, number: record.replyCount),
            recipient: recipient, kind: record.job.kind, outcome: reply.verdict.outcome, amount: record.job.amount,
            acceptedAt: record.acceptedAt, body: body)
    }

    package var isFinal: Bool { outcome.isFinal(for: kind) }
}

/// One page of the replies that are owed.
package struct OwedReplies: Sendable, Equatable {
    package var replies: [OutgoingReply]
    /// The ids of owed replies whose rows cannot be read. An operator has to look at them.
    package var unreadable: [OutgoingReply.ID]

    package init(_ replies: [OutgoingReply] = [], unreadable: [OutgoingReply.ID] = []) {
        self.replies = replies
        self.unreadable = unreadable
    }

    /// The greatest id of the page; the next page starts after it. `nil` if the page is empty, so that there is no next one.
    package var last: OutgoingReply.ID? { [replies.last?.id, unreadable.last].compactMap { $0 }.max() }
}
