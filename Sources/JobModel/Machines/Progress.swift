/// The progress of a job: everything that its state machine has to remember, and nothing else. It is stored in the ledger before each step
/// is taken.
package struct Progress: Sendable, Equatable {
    package var state: JobState = .accepted
    /// Calls that try to do the job: `DoRecharge`, or the question itself.
    package var attempts = 0
    /// Enquiries about a recharge that may have been executed.
    package var enquiries = 0
    /// Why a recharge is in doubt. Set while it is in doubt or parked, `nil` otherwise.
    package var doubt: DoubtCause?
    /// When the worker was about to send the first request that may have reached BOS.
    package var firstSentAt: Timestamp?
    /// When the worker first saw that the start of the job's age is in the future; `nil` while it is in the past (``age(of:at:)``).
    package var aheadSince: Timestamp?
    /// The not-found window that was configured when the recharge was last sent; `nil` if an earlier version sent it
    /// (``notFoundWindow(under:)``).
    package var notFoundWindow: Duration?
    /// The API and account to which the recharge was last sent (``RetryPolicy/destination``).
    package var sentTo: String?
    /// The number that BOS assigned to the recharge: the `refid` of its answer to `DoRecharge`, if that differs from our reference.
    package var bosReference: String?
    /// How often BOS has refused the credentials of this job while it accepted those of others.
    package var credentialRefusals = 0
    /// The number of "not found" answers in a row, and when the first of them came.
    package var notFoundAnswers = 0
    package var firstNotFound: ClockReading?
    /// Sendings after an earlier sending was proven not executed.
    package var resendings = 0
    /// Failures in a row of the same kind of call. They determine the backoff.
    package var failures = 0
    /// When the job continues, and why it waits; `nil` unless it waits.
    package var dueAt: Timestamp?
    package var waitReason: WaitReason?
    /// The last answer of BOS. For a recharge in doubt: the answer to `DoRecharge`, or that of an enquiry only if `DoRecharge` had none.
    package var answer: Answer?
    /// For a recharge: where the answer comes from, or what resolved its last doubt or ended it. `nil` if nothing is known, or if an
    /// earlier version stored the progress.
    package var evidence: Evidence?
    /// The content of the last interim reply. It keeps the worker from publishing the same interim reply twice.
    package var reported: String?
    /// Set once, with the final reply.
    package var completedAt: Timestamp?

    package init() {}

    /// The progress of a recharge of which it is unknown whether it was sent: the ledger that knew it is lost.
    ///
    /// The destination is unknown too. So no "not found" is proof (``RetryPermit``), and only a person can have it sent.
    package static func mayHaveBeenSent(at now: Timestamp) -> Progress {
        var progress = Progress()
        progress.state = .inDoubt
        progress.doubt = .unanswered
        progress.firstSentAt = now
        return progress
    }
}

extension Progress {
    /// The answer to `DoRecharge` that left the recharge in doubt; `nil` if the recharge is not in doubt, or if no answer came.
    package var doubtfulAnswer: Answer? {
        guard let doubt else { return nil }
        // Once BOS had said that it has the job, an earlier version stored answers to enquiries in this field instead.
        return evidence == .answer || (evidence == nil && doubt != .acceptedByBOS) ? answer : nil
    }

    /// The time since a stored moment of the job's past.
    ///
    /// A moment in the future was stored by a clock that was set back afterwards. Its age then counts from when the worker first saw this,
    /// and the progress stores that time. So every age limit is reached in finite time.
    package mutating func age(of past: Timestamp, at now: Timestamp) -> Duration {
        guard past > now else {
            aheadSince = nil
            return now - past
        }
        let since = min(aheadSince ?? now, now)
        aheadSince = since
        return now - since
    }

    /// How long BOS must keep answering "not found" before that is evidence.
    ///
    /// A window that was shortened after the sending does not apply to it: requests may have been allowed to take longer at that time.
    package func notFoundWindow(under policy: RetryPolicy) -> Duration { max(policy.notFound.window, notFoundWindow ?? .zero) }
}

/// The state of a job. The raw value is stored in the ledger and is the label `state` of `bos_jobs_stored`.
package enum JobState: String, Sendable, CaseIterable {
    /// The job is stored, and certainly nothing was executed so far.
    case accepted
    /// The intent to send is stored; the request may have left.
    case sending
    /// The recharge may have been executed. The worker only enquires until there is proof.
    case inDoubt = "in_doubt"
    /// A PAN application that BOS has not decided.
    case pending
    /// A doubt that an operator must resolve: the worker does nothing more about it.
    case parked
    /// Never sent, and held for an operator's decision: it looks like an earlier purchase.
    case held
    case succeeded
    case failed
    case refused
    case notFound = "not_found"
    case expired
    /// The question about a recharge was answered with "BOS is still working on it".
    case answeredPending = "answered_pending"

    package var isFinal: Bool {
        switch self {
        case .accepted, .sending, .inDoubt, .pending, .parked, .held: false
        case .succeeded, .failed, .refused, .notFound, .expired, .answeredPending: true
        }
    }

    /// Whether a recharge in this state was certainly not executed, or was refunded, and will never be executed.
    package var isNeverExecuted: Bool {
        switch self {
        case .failed, .refused, .expired: true
        case .accepted, .sending, .inDoubt, .pending, .parked, .held, .succeeded, .notFound, .answeredPending: false
        }
    }

    /// Whether the job waits for an operator. Without one, only a held job's deadline ends the wait.
    package var needsManualReview: Bool { self == .parked || self == .held }
}

/// Why a recharge is in doubt. The cause decides what "not found" proves.
package enum DoubtCause: String, Sendable, CaseIterable {
    /// No usable answer came. "Not found" over the whole window proves that nothing was executed, if the owner has BOS's assurance of that.
    case unanswered
    /// BOS said that it has the job (code 0 or 2). A later "not found" contradicts that and proves nothing.
    case acceptedByBOS = "accepted_by_bos"
    /// BOS said that the reference was used before (code 11). A later "not found" contradicts that and proves nothing.
    case duplicate
    /// BOS refused the recharge with a code that is not known to be final. "Not found" over the refusal window confirms the refusal.
    case refused
}
