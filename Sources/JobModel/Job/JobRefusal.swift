/// Why a message does not become a job.
package struct JobRefusal: Error, Equatable {
    /// Set if the message belongs into the dead-letter queue: it could not be understood, so a person has to look at it.
    package let deadLetter: DeadLetterReason?
    package let code: ReplyErrorCode
    /// One sentence that names the field and what would be right, never the field's value.
    package let detail: String
    /// As far as they could be read, so that a `refused` reply can be addressed.
    package let kind: JobKind?
    package let reference: String?
    /// Another configuration would take it: no ground to refuse what was accepted under another one, and may have been sent since.
    package let isByRule: Bool

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

/// The header `x-bos-reason` of a dead letter.
package enum DeadLetterReason: String, Sendable, CaseIterable {
    case undecodable
    case invalidJob = "invalid_job"
    case tooLarge = "too_large"
    case unknownKind = "unknown_kind"
}
