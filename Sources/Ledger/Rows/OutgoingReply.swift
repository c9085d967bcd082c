package import JobModel

/// A reply that is owed to one asker until the broker has confirmed it.
package struct OutgoingReply: Sendable, Equatable, Identifiable {
    package var id: Int64
    /// Always the same for the same reply to the same asker; receivers drop repeats by it.
    package var messageID: String
    package var asker: Asker
    package var kind: JobKind
    package var outcome: Outcome
    /// Money the job is about; zero for questions.
    package var amount: Money
    package var acceptedAt: Timestamp
    package var body: [UInt8]

    package init(
        id: Int64, messageID: String, asker: Asker, kind: JobKind, outcome: Outcome, amount: Money, acceptedAt: Timestamp,
        body: [UInt8]
    ) {
        self.id = id
        self.messageID = messageID
        self.asker = asker
        self.kind = kind
        self.outcome = outcome
        self.amount = amount
        self.acceptedAt = acceptedAt
        self.body = body
    }

    /// The job's last reply as one asker gets it; `record.repliesTold` counts it already.
    /// - Parameters:
    ///   - id: 0 until the reply is stored.
    ///   - body: `reply.body`, encoded once for all askers.
    package init(_ reply: Reply, to asker: Asker, of record: JobRecord, body: [UInt8], id: Int64 = 0) {
        self.init(
            id: id,
            messageID: ReplyID.make(
                kind: record.job.kind, reference: record.job.reference, asker: asker, number: record.repliesTold),
            asker: asker, kind: record.job.kind, outcome: reply.verdict.outcome, amount: record.job.amount,
            acceptedAt: record.acceptedAt, body: body)
    }

    package var isFinal: Bool { outcome.isFinal(for: kind) }
}
