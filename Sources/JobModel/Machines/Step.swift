/// What has to happen next to a job. The state machine returns it; the engine carries it out and reports the result as an event.
///
/// The machine's progress is stored before the step is carried out.
package enum Step: ~Copyable, Sendable {
    /// Call `DoRecharge`, once.
    case send(RetryPermit)
    /// Query BOS: enquire about a recharge, or ask the question that is the job. Moves no money.
    case query
    /// Continue at `progress.dueAt`. The value is the reason for the wait.
    case wait(WaitReason)
    /// Only an operator can continue the job.
    case park
    /// The job is finished: store and publish this verdict.
    case finish(Verdict)
    /// There is nothing to do: the job is final, or it waits for an operator.
    case nothing
}

extension Step {
    /// The verdict, if this step finishes the job.
    package var verdict: Verdict? {
        switch self {
        case .finish(let verdict): verdict
        case .send: nil
        case .query: nil
        case .wait: nil
        case .park: nil
        case .nothing: nil
        }
    }
}

/// Why a job waits. The raw value is used in metrics and in the history.
package enum WaitReason: String, Sendable, CaseIterable {
    case notSent = "not_sent"
    case throttled
    /// BOS takes no recharges at present: maintenance, or an empty wallet.
    case postponed
    /// Too little time is left for the call.
    case late
    /// BOS refuses the credentials of every call.
    case credentialsRefused = "credentials_refused"
    /// BOS refuses the credentials of this job and accepts others.
    case ownCredentialsRefused = "own_credentials_refused"
    /// The breaker is open: BOS has failed too often lately, so nothing is sent.
    case breakerOpen = "breaker_open"
    /// An operator holds recharges, so none is sent.
    case operatorHold = "operator_hold"
    /// A recharge may have been executed, and the next enquiry is due later.
    case doubt
    /// A question got no usable answer.
    case unanswered
    /// BOS has not decided the PAN application.
    case panPending = "pan_pending"
}
