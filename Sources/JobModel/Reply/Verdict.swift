/// What a job's recipients are told: an outcome together with its reason and its evidence.
package struct Verdict: Sendable, Equatable {
    package var outcome: Outcome
    /// `nil` for an outcome that needs no explanation.
    package var failure: ReplyError?
    package var evidence: Evidence
    /// The answer of BOS that the verdict rests on.
    package var answer: Answer?

    package init(_ outcome: Outcome, evidence: Evidence, answer: Answer? = nil) {
        self.outcome = outcome
        self.evidence = evidence
        self.answer = answer
    }

    /// - Parameters:
    ///   - code: the reason for programs.
    ///   - detail: the reason for people, in one sentence.
    package init(_ outcome: Outcome, evidence: Evidence, code: ReplyErrorCode, detail: String, answer: Answer? = nil) {
        self.init(outcome, evidence: evidence, answer: answer)
        failure = ReplyError(code: code, detail: detail)
    }
}

/// What a reply says became of the job. Source of names and meanings: publishing.md#outcomes.
package enum Outcome: String, Sendable, CaseIterable {
    case succeeded
    case failed
    case refused
    case inDoubt = "in_doubt"
    case pending
    case notFound = "not_found"
    case expired

    /// Whether this is the last reply to a job of that kind.
    package func isFinal(for kind: JobKind) -> Bool {
        switch self {
        case .succeeded, .failed, .refused, .notFound, .expired: true
        case .inDoubt: false
        // To the question what became of a recharge, "BOS is still working on it" is a complete answer. For a held recharge it is not: an
        // operator decides later.
        case .pending: kind == .rechargeStatus
        }
    }
}

/// Where the knowledge in a reply comes from.
package enum Evidence: String, Sendable, CaseIterable {
    /// BOS's answer to the call itself.
    case answer
    /// BOS's answer to a later enquiry.
    case enquiry
    /// An operator resolved the job.
    case `operator`
    case none
}

/// The member `error` of a reply.
package struct ReplyError: Sendable, Equatable {
    package var code: ReplyErrorCode
    /// One sentence for people.
    package var detail: String
}

/// `error.code` of a reply. Source: publishing.md#error-codes.
package enum ReplyErrorCode: String, Sendable, CaseIterable {
    case invalidJob = "invalid_job"
    case referenceConflict = "reference_conflict"
    case amountOutOfRange = "amount_out_of_range"
    case deadlinePassed = "deadline_passed"
    case refusedByBOS = "refused_by_bos"
    case duplicateTransaction = "duplicate_transaction"
    case notExecuted = "not_executed"
    case panRejected = "pan_rejected"
    case duplicateRefID = "duplicate_refid"
    case gaveUp = "gave_up"
    case resolvedByOperator = "resolved_by_operator"
    /// The same subscriber, mobile operator and amount came a short time ago under another reference.
    case duplicatePurchase = "duplicate_purchase"
}
