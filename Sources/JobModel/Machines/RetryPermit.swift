/// The right to send one recharge once. It cannot be copied, and sending consumes it.
///
/// It can only be made here, from a reason why the recharge cannot have been executed: this is what keeps a second
/// execution from being a slip of the pen.
package struct RetryPermit: ~Copyable, Sendable {
    package enum Proof: String, Sendable {
        /// The ledger says that nothing of this job was ever taken: it is new, or every request so far certainly failed to leave
        /// or was turned away before BOS took it (429, 402, refused credentials, "not now").
        case neverTaken = "never_taken"
        /// What was sent before is settled as not executed, by "not found" or by a person's word, and nothing of it was taken since.
        case settledBefore = "settled_before"
        /// Enough "not found" answers over a long enough time, and BOS never said that it knows the reference.
        case settledNotFound = "settled_not_found"
    }

    package let proof: Proof

    /// For a job of which nothing can have been executed: nothing was ever taken, or what was sent is settled.
    init?(unsent progress: Progress) {
        guard progress.state == .accepted, progress.doubt == nil else { return nil }
        proof = progress.resendings > 0 ? .settledBefore : .neverTaken
    }

    /// For a doubtful job that BOS has not known often enough for long enough, by the owner's word that this is proof, at the API and account
    /// that the recharge was sent to, and from an enquiry that was seen to find a recharge.
    init?(settled progress: Progress, _ policy: RetryPolicy, _ calibration: Calibration, at now: Moment) {
        guard policy.settle.notFound == .believe, calibration.findsRecharges, progress.doubt == .unanswered,
            progress.notFoundAnswers >= policy.settle.answers, let first = progress.firstNotFound,
            now.elapsed(since: first) >= progress.settleWindow(policy), let sentTo = progress.sentTo, policy.reaches(sentTo)
        else { return nil }
        proof = .settledNotFound
    }
}

/// Why a request to move money was certainly not taken.
package enum SendFailure: Sendable, Equatable {
    case notSent
    case throttled(retryAfter: Duration?)
    /// BOS took nothing and asks to come later: maintenance, or an empty wallet.
    case postponed
    /// BOS refuses the credentials of every call.
    case credentialsRefused
    /// BOS refuses the credentials of this recharge and takes those of enquiries.
    /// - Parameter takesOthers: BOS has taken the credentials of another recharge since it last refused those of one. Else it may refuse those of every
    ///   recharge, and that ends one only at its age.
    /// - Parameter answer: what BOS said; `nil` if the worker had no credentials to send.
    case ownCredentialsRefused(takesOthers: Bool, _ answer: Answer? = nil)
    /// The worker held it back on purpose: BOS has failed too often lately, our own rate is used up, or the time was too short.
    case heldBack(WaitReason, retryAfter: Duration?)
}
