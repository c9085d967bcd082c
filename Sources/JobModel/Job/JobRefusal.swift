/// Why a message does not become a job.
package struct JobRefusal: Error, Equatable {
    /// Set if the message goes to the dead-letter queue, because it was not understood and a person has to look at it.
    package let deadLetter: DeadLetterReason?
    package let code: ReplyErrorCode
    /// One sentence that names the field and says what would be right. It never holds the field's value.
    package let detail: String
    /// The kind, for the `refused` reply; `nil` if it could not be read.
    package let kind: JobKind?
    /// The reference, for the `refused` reply; `nil` if it could not be read.
    package let reference: String?
    /// Whether the refusal depends on configuration or version. Such a refusal must not be applied to a job that is already in the ledger:
    /// it was accepted under other rules, and may have been sent since.
    package let isByRule: Bool

    /// - Parameter detail: must not hold the value of a field.
    package init(
        deadLetter: DeadLetterReason?, code: ReplyErrorCode, detail: String, kind: JobKind?, reference: String?, isByRule: Bool = false
    ) {
        self.deadLetter = deadLetter
        self.code = code
        self.detail = detail
        self.kind = kind
        self.reference = reference
        self.isByRule = isByRule
    }
}

/// The header `x-bos-reason` of a dead letter. Source: publishing.md#dead-letters.
package enum DeadLetterReason: String, Sendable, CaseIterable {
    case undecodable
    case invalidJob = "invalid_job"
    case tooLarge = "too_large"
    case unknownKind = "unknown_kind"
}
