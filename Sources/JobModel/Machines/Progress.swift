/// How far a job has come: everything its state machine has to remember, and nothing else. Stored in the ledger after every step.
package struct Progress: Sendable, Equatable {
    package var state: JobState = .accepted
    /// Calls that were meant to do the job: `DoRecharge`, or the question itself.
    package var attempts = 0
    /// Enquiries about a recharge that may have been executed.
    package var enquiries = 0
    /// Why a recharge is in doubt; set exactly while it is.
    package var doubt: DoubtCause?
    /// When the first request that may have reached BOS was about to be sent.
    package var firstSentAt: Timestamp?
    /// When the moment from which the job's age counts was first seen to lie in the future; set exactly while it does (``age(of:at:)``).
    package var aheadSince: Timestamp?
    /// The settle window that was in force when it was sent last; `nil` if an earlier version has sent it (``settleWindow(_:)``).
    package var settleWindow: Duration?
    /// The API and account to which that request went (``RetryPolicy/destination``).
    package var sentTo: String?
    /// BOS's own number of the recharge: the `refid` of its answer to `DoRecharge`, if that is not our reference.
    package var bosReference: String?
    /// How often BOS has refused the credentials of this job while it took those of others.
    package var credentialRefusals = 0
    /// "Not found" answers in a row, and when the first of them was heard.
    package var notFoundAnswers = 0
    package var firstNotFound: Moment?
    /// Sendings after a settled doubt.
    package var resendings = 0
    /// Failures in a row of the same kind of call, for the backoff.
    package var failures = 0
    /// When the job goes on, and why it waits, if it does.
    package var dueAt: Timestamp?
    package var waitReason: WaitReason?
    /// What BOS said last. Of a recharge in doubt: its answer to `DoRecharge`, or an enquiry's only where that had none.
    package var answer: Answer?
    /// Of a recharge: where that is known from, or what has settled its last doubt or its end. `nil` if nothing is known, or an earlier version has
    /// stored it.
    package var evidence: Evidence?
    /// What the askers were told last while the job was not over, so that the same is not told again.
    package var told: String?
    /// Set once, with the final reply.
    package var completedAt: Timestamp?

    package init() {}
}

extension Progress {
    /// BOS's answer to `DoRecharge` that has left the recharge in doubt; `nil` if it is not in doubt, or had no answer.
    package var doubtfulAnswer: Answer? {
        guard let doubt else { return nil }
        // An earlier version has stored the answers of enquiries in place of it once BOS had said that it has the job.
        return evidence == .answer || (evidence == nil && doubt != .acceptedByBOS) ? answer : nil
    }

    /// How long ago a stored moment of the job's past was.
    ///
    /// A moment that lies in the future was stored by a clock that has been set back since. Its age counts from when it was first seen so, and the
    /// progress remembers that, so that what ends at an age ends in finite time.
    package mutating func age(of past: Timestamp, at now: Timestamp) -> Duration {
        guard past > now else {
            aheadSince = nil
            return now - past
        }
        let since = min(aheadSince ?? now, now)
        aheadSince = since
        return now - since
    }

    /// How long "not found" must be heard before it says anything. The time that a request may take may have been longer when it was sent than it is
    /// now, so that a shorter window that came after it does not count for it.
    package func settleWindow(_ policy: RetryPolicy) -> Duration { max(policy.settle.window, settleWindow ?? .zero) }
}

/// Where a job stands in the ledger. The raw value is stored and is the label `state` of `bos_jobs_stored`.
package enum JobState: String, Sendable, CaseIterable {
    /// Known, and certainly nothing was executed so far.
    case accepted
    /// The intent to send is stored; the request may have left.
    case sending
    /// May have been executed. Only enquiries until there is proof.
    case inDoubt = "in_doubt"
    /// A PAN application that BOS has not decided.
    case pending
    /// A doubt that is left to a person: nothing more happens by itself.
    case parked
    /// Never sent, and held back for a person: it looks like a purchase that was made before.
    case held
    case succeeded
    case failed
    case refused
    case notFound = "not_found"
    case expired
    /// The question what became of a recharge was answered with "still working".
    case answeredPending = "answered_pending"

    package var isFinal: Bool {
        switch self {
        case .accepted, .sending, .inDoubt, .pending, .parked, .held: false
        case .succeeded, .failed, .refused, .notFound, .expired, .answeredPending: true
        }
    }

    /// Whether a recharge in this state was certainly not executed, or was refunded, and never will be executed.
    package var isNeverExecuted: Bool {
        switch self {
        case .failed, .refused, .expired: true
        case .accepted, .sending, .inDoubt, .pending, .parked, .held, .succeeded, .notFound, .answeredPending: false
        }
    }

    /// Whether nothing happens to the job until a person acts, or its deadline passes.
    package var isLeftToPerson: Bool { self == .parked || self == .held }
}

/// What made a recharge doubtful; decides what a "not found" proves.
package enum DoubtCause: String, Sendable, CaseIterable {
    /// No usable answer came. "Not found", settled, proves that nothing was executed, where the owner has BOS's word for it.
    case unanswered
    /// BOS said that it has the job (code 0 or 2). "Not found" contradicts that and proves nothing.
    case acceptedByBOS = "accepted_by_bos"
    /// BOS said that the reference was used before (code 11). "Not found" contradicts that and proves nothing.
    case duplicate
    /// BOS refused it with a code that is not known to be final. "Not found" over the refusal window makes sure.
    case refused
}
