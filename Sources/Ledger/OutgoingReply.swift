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

    package var isFinal: Bool { outcome.isFinal(for: kind) }
}
