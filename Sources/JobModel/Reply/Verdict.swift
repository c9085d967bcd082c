/// What is to be told to everybody who asked: the one place where an outcome, its reason and its evidence come together.
package struct Verdict: Sendable, Equatable {
    package struct Failure: Sendable, Equatable {
        package var code: ReplyErrorCode
        /// One sentence for people.
        package var detail: String
    }

    package var outcome: Outcome
    package var failure: Failure?
    package var evidence: Evidence
    package var answer: Answer?

    package init(_ outcome: Outcome, _ evidence: Evidence, answer: Answer? = nil) {
        self.outcome = outcome
        self.evidence = evidence
        self.answer = answer
    }

    package init(_ outcome: Outcome, _ evidence: Evidence, _ code: ReplyErrorCode, _ detail: String, answer: Answer? = nil) {
        self.init(outcome, evidence, answer: answer)
        failure = Failure(code: code, detail: detail)
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

    /// Whether no other reply follows to a job of that kind.
    package func isFinal(for kind: JobKind) -> Bool {
        switch self {
        case .succeeded, .failed, .refused, .notFound, .expired: true
        case .inDoubt: false
        // BOS's own "still working" is the whole answer to the question what became of a recharge. A recharge that is held back is
        // decided by a person later.
        case .pending: kind == .rechargeStatus
        }
    }
}

/// Where the knowledge in a reply comes from.
package enum Evidence: String, Sendable, CaseIterable {
    /// BOS's own reply to the call.
    case answer
    /// BOS was asked afterwards.
    case enquiry
    /// A person settled it.
    case `operator`
    case none
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
    /// The same subscriber, operator and amount came a moment ago under another reference.
    case duplicatePurchase = "duplicate_purchase"
}
