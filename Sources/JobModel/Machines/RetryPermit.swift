/// The right to send one recharge once. It cannot be copied, and sending consumes it.
///
/// Only this module can make a permit, and only with proof that the recharge cannot have been executed. The compiler thus rules out a
/// second execution by a programming mistake.
package struct RetryPermit: ~Copyable, Sendable {
    package enum Proof: String, Sendable {
        /// The ledger shows that BOS never took anything of this job: the job is new, or each request so far certainly failed to leave or
        /// was turned away before BOS took it (429, 402, refused credentials, "not now").
        case neverTaken = "never_taken"
        /// The earlier sendings were proven not executed, by "not found" or by an operator's decision, and BOS has taken nothing since.
        case resolvedBefore = "settled_before"
        /// BOS answered "not found" often enough over a long enough time, and never said that it knows the reference.
        case confirmedNotFound = "settled_not_found"
    }

    package let proof: Proof

    /// For a recharge that cannot have been executed: BOS never took anything, or the earlier sendings were proven not executed.
    /// - Returns: `nil` if the progress does not show that.
    init?(unsent progress: Progress) {
        guard progress.state == .accepted, progress.doubt == nil else { return nil }
        proof = progress.resendings > 0 ? .resolvedBefore : .neverTaken
    }

    /// For a recharge in doubt that BOS did not find often enough over a long enough time.
    ///
    /// The owner must have configured "not found" as proof. The enquiry must have been seen to find a recharge, and must go to the API and
    /// account to which the recharge was sent.
    /// - Returns: `nil` if any of this is missing.
    init?(notFound progress: Progress, policy: RetryPolicy, calibration: Calibration, at now: ClockReading) {
        guard policy.notFound.meaning == .believe, calibration.findsRecharges, progress.doubt == .unanswered,
            progress.notFoundAnswers >= policy.notFound.answers, let first = progress.firstNotFound,
            now.elapsed(since: first) >= progress.notFoundWindow(under: policy), let sentTo = progress.sentTo, policy.reaches(sentTo)
        else { return nil }
        proof = .confirmedNotFound
    }
}

/// Why BOS certainly did not take a request to recharge.
package enum SendFailure: Sendable, Equatable {
    case notSent
    case throttled(retryAfter: Duration?)
    /// BOS took nothing and asks the caller to come later: maintenance, or an empty wallet.
    case postponed
    /// BOS refuses the credentials of every call.
    case credentialsRefused
    /// BOS refuses the credentials of this recharge and accepts those of enquiries.
    /// - Parameters:
    ///   - takesOthers: BOS has accepted the credentials of another recharge since it last refused a recharge's credentials. If `false`,
    ///     BOS may be refusing those of every recharge; then only the job's age ends the job.
    ///   - answer: BOS's answer; `nil` if the worker had no credentials to send.
    case ownCredentialsRefused(takesOthers: Bool, answer: Answer? = nil)
    /// The worker did not make the call: BOS has failed too often lately, the worker's own rate is used up, or too little time was left.
    case deferred(WaitReason, retryAfter: Duration?)
}
