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
