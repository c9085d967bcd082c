/// What has to happen next to a job. The state machine says it, the engine does it and reports back with an event.
///
/// The machine's progress is stored before the step is taken.
package enum Step: ~Copyable, Sendable {
    /// Call `DoRecharge`, once.
    case send(RetryPermit)
    /// Ask BOS: an enquiry about a recharge, or the question that is the job. Moves no money.
    case ask
    /// Go on at `progress.dueAt`, for this reason.
    case wait(WaitReason)
    /// Only a person can go on from here.
    case park
    /// The job is over; store and send this.
    case finish(Verdict)
    /// The job was over before; there is nothing to do.
    case nothing
}

extension Step {
    /// The verdict, if the job is over with this step.
    package var verdict: Verdict? {
        switch self {
        case .finish(let verdict): verdict
        case .send: nil
        case .ask: nil
        case .wait: nil
        case .park: nil
        case .nothing: nil
        }
    }
}

/// Why a job cannot go on at once. The raw value goes into metrics and the history.
package enum WaitReason: String, Sendable, CaseIterable {
    case notSent = "not_sent"
    case throttled
    /// BOS takes no recharge for now: maintenance, or an empty wallet.
    case postponed
    /// The time that is left is too short for the call.
    case late
    /// BOS refuses the credentials of every call.
    case credentialsRefused = "credentials_refused"
    /// BOS refuses the credentials of this job and takes others.
    case ownCredentialsRefused = "own_credentials_refused"
    /// Nothing is sent for now: BOS has failed too often lately.
    case breakerOpen = "breaker_open"
    /// A recharge may have been executed; the next enquiry is due later.
    case doubt
    /// A question got no usable answer.
    case unanswered
    /// BOS has not decided the PAN application.
    case panPending = "pan_pending"
}
