/// The state machine of one recharge. Source of the rules: bos-api.md#dorecharge and bos-api.md#rechargesstatus.
package struct RechargeMachine: JobMachine {
    /// What BOS's answer to `DoRecharge` means.
    package enum Meaning: Sendable, Equatable {
        case done
        /// BOS took the recharge and has not finished it (code 0 or 2).
        case accepted
        /// The reference was used before (code 11).
        case duplicateReference
        /// - Parameter isFinal: whether the code is known to mean that nothing was executed.
        case refused(isFinal: Bool)
    }

    /// What BOS's answer to an enquiry means.
    package enum Finding: Sendable, Equatable {
        case succeeded
        case failed(refunded: Bool)
        case pending
        case notFound
        /// BOS declined, and its code does not show whether it declined the recharge or the enquiry.
        case declined
    }

    package enum Event: Sendable {
        /// BOS certainly did not take the request.
        case notTaken(SendFailure)
        /// BOS may have executed the request: no usable answer came.
        /// - Parameters:
        ///   - answer: BOS's answer; `nil` if none came, or if it is the answer to another recharge.
        ///   - retryAfter: BOS asks for this pause before the next call.
        case unknown(_ answer: Answer?, retryAfter: Duration? = nil)
        /// - Parameter bosReference: the answer's `refid`.
        case answered(Meaning, Answer, bosReference: String? = nil)
        case enquired(EnquiryReport)
        /// The enquiry got no usable answer.
        case enquiryUnanswered(WaitReason, retryAfter: Duration?)
        /// The worker did not make the enquiry.
        case enquiryDeferred(WaitReason, retryAfter: Duration?)
    }

    package let recharge: Recharge
    /// When the worker accepted the job. The job's age counts from here.
    package let acceptedAt: Timestamp
    /// Changed by the machine's own functions only.
    package internal(set) var progress: Progress
    package internal(set) var remark = ""
    let policy: RetryPolicy

    /// - Parameter progress: the stored progress; a new one for a new job.
    package init(_ recharge: Recharge, acceptedAt: Timestamp, progress: Progress = Progress(), policy: RetryPolicy) {
        self.recharge = recharge
        self.acceptedAt = acceptedAt
        self.progress = progress
        self.policy = policy
    }

    package init?(_ job: Job, acceptedAt: Timestamp, progress: Progress, policy: RetryPolicy) {
        guard case .recharge(let recharge) = job else { return nil }
        self.init(recharge, acceptedAt: acceptedAt, progress: progress, policy: policy)
    }

    package mutating func wake(at now: ClockReading, jitter: Double) -> Step {
        remark = ""
        // This comes before the due time is cleared, because a held job keeps its due time (its deadline).
        if progress.state == .held { return expireHeld(at: now) }
        progress.dueAt = nil
        progress.waitReason = nil
        switch progress.state {
        case .accepted: return send(at: now)
        // The run that stored this intent has ended without a result, so the request may have left.
        case .sending: return doubt(.unanswered)
        case .inDoubt: return enquire()
        case .pending, .parked, .held, .succeeded, .failed, .refused, .notFound, .expired, .answeredPending: return .nothing
        }
    }

    package mutating func on(_ event: Event, at now: ClockReading, jitter: Double) -> Step {
        remark = ""
        guard !progress.state.isFinal else { return .nothing }
        guard progress.state == event.state else { return takeUnexpected(event) }
        switch event {
        case .notTaken(let failure): return retry(after: failure, at: now, jitter: jitter)
        case .unknown(let answer, let retryAfter): return unknown(answer, retryAfter: retryAfter, at: now, jitter: jitter)
        case .answered(let meaning, let answer, let bosReference):
            guard recharge.canBeNamed(bosReference) else {
                remark = "the answer's refid names another recharge, so it is not this recharge's answer"
                return unknown(nil, retryAfter: nil, at: now, jitter: jitter)
            }
            if let bosReference, bosReference != recharge.reference { progress.bosReference = bosReference }
            return answered(meaning, answer: answer, at: now, jitter: jitter)
        case .enquired(let report): return enquired(report, at: now, jitter: jitter)
        case .enquiryUnanswered(let reason, let retryAfter):
            return enquiryUnanswered(reason, retryAfter: retryAfter, at: now, jitter: jitter)
        case .enquiryDeferred(let reason, let retryAfter):
            uncountEnquiry()
            return enquiryUnanswered(reason, retryAfter: retryAfter, at: now, jitter: jitter)
        }
    }

    package mutating func takeInterimVerdict() -> Verdict? {
        guard progress.state == .inDoubt || progress.state == .parked, progress.reported == nil else { return nil }
        progress.reported = Outcome.inDoubt.rawValue
        let evidence = progress.doubt == .unanswered ? Evidence.none : progress.evidence ?? .answer
        return Verdict(.inDoubt, evidence: evidence, answer: progress.answer)
    }
}

// MARK: - Sending

extension RechargeMachine {
    private mutating func send(at now: ClockReading) -> Step {
        if let deadline = recharge.expiresAt, now.wallClock > deadline {
            // An earlier sending was proven not executed. "Expired" would tell the recipient that nothing was ever sent.
            if progress.resendings > 0 {
                return finish(notExecuted("expires_at has passed, so it is not sent again", evidence: earlierEvidence), at: now)
            }
            return finish(
                Verdict(.expired, evidence: .none, code: .deadlinePassed, detail: "expires_at passed before anything was sent to BOS"),
                at: now)
        }
        guard let permit = RetryPermit(unsent: progress) else { return doubt(.unanswered) }
        return spend(permit, at: now)
    }

    mutating func spend(_ permit: consuming RetryPermit, at now: ClockReading) -> Step {
        progress.state = .sending
        progress.attempts = next(progress.attempts)
        // All earlier sendings were proven not executed, so only this one can be in doubt.
        progress.sentTo = policy.destination
        progress.firstSentAt = progress.firstSentAt ?? now.wallClock
        progress.notFoundWindow = policy.notFound.window
        progress.doubt = nil
        progress.notFoundAnswers = 0
        progress.firstNotFound = nil
        return .send(permit)
    }

    /// BOS certainly did not take the request: the recharge waits for its next attempt.
    private mutating func retry(after failure: SendFailure, at now: ClockReading, jitter: Double) -> Step {
        progress.state = .accepted
        // BOS never took this request. Unless the recharge was in doubt before, no request may have reached BOS yet.
        if progress.resendings == 0 { (progress.firstSentAt, progress.sentTo) = (nil, nil) }
        switch failure {
        case .notSent: return retry(.notSent, retryAfter: nil, at: now, jitter: jitter)
        case .throttled(let retryAfter): return retry(.throttled, retryAfter: retryAfter, at: now, jitter: jitter)
        case .postponed:
            uncountAttempt()
            // The lane's gate is closed meanwhile, so the pause need not grow. It only spreads the jobs over time.
            return wait(.postponed, for: policy.postponed.delay(failures: 3, jitter: jitter), at: now)
        case .credentialsRefused:
            uncountAttempt()
            return wait(.credentialsRefused, for: policy.send.delay(failures: 1, jitter: jitter), at: now)
        case .ownCredentialsRefused(let takesOthers, let answer):
            return ownCredentialsRefused(takesOthers: takesOthers, answer: answer, at: now, jitter: jitter)
        case .deferred(let reason, let retryAfter):
            uncountAttempt()
            let backoff = policy.send.delay(failures: max(progress.failures, 1), jitter: jitter)
            return wait(reason, for: max(backoff, retryAfter ?? .zero), at: now)
        }
    }

    /// Takes back the count of an attempt that BOS did not take.
    private mutating func uncountAttempt() { progress.attempts = max(0, progress.attempts - 1) }

    /// Waits after a failure of this job's own request, or gives the job up.
    ///
    /// A job may have become old only because BOS was down. So its age counts only once it has several failures in a row.
    private mutating func retry(_ reason: WaitReason, retryAfter: Duration?, at now: ClockReading, jitter: Double) -> Step {
        progress.failures = next(progress.failures)
        let isOld = progress.age(of: acceptedAt, at: now.wallClock) > policy.maximumAge && progress.failures >= policy.attempts
        if isOld || progress.failures >= policy.maximumFailures { return finish(gaveUp, at: now) }
        let backoff = policy.send.delay(failures: progress.failures, jitter: jitter)
        return wait(reason, for: max(backoff, retryAfter ?? .zero), at: now)
    }

    /// As long as BOS may be refusing the credentials of every recharge, only the age ends this one. Without the age limit a job whose
    /// merchant is the only one that sends, and is refused, would wait for ever.
    private mutating func ownCredentialsRefused(takesOthers: Bool, answer: Answer?, at now: ClockReading, jitter: Double) -> Step {
        uncountAttempt()
        guard takesOthers else {
            progress.failures = next(progress.failures)
            guard progress.age(of: acceptedAt, at: now.wallClock) > policy.maximumAge, progress.failures >= policy.attempts else {
                return wait(.ownCredentialsRefused, for: policy.refusedCredentials.delay(failures: 3, jitter: jitter), at: now)
            }
            return finish(
                refusedCredentials(answer, circumstance: "for longer than retry.maximumAge, and takes those of enquiries"), at: now)
        }
        progress.credentialRefusals = next(progress.credentialRefusals)
        guard progress.credentialRefusals < policy.maximumCredentialRefusals else {
            return finish(refusedCredentials(answer, circumstance: "and takes those of others"), at: now)
        }
        let delay = policy.refusedCredentials.delay(failures: progress.credentialRefusals, jitter: jitter)
        return wait(.ownCredentialsRefused, for: delay, at: now)
    }

    private mutating func answered(_ meaning: Meaning, answer: Answer, at now: ClockReading, jitter: Double) -> Step {
        (progress.answer, progress.evidence) = (answer, .answer)
        progress.failures = 0
        progress.credentialRefusals = 0
        switch meaning {
        case .done: return finish(Verdict(.succeeded, evidence: .answer, answer: answer), at: now)
        case .accepted:
            enterDoubt(.acceptedByBOS)
            return waitInDoubt(at: now, jitter: jitter)
        case .duplicateReference: return doubt(.duplicate)
        case .refused(isFinal: false): return doubt(.refused)
        case .refused(isFinal: true): return finish(refusal(.answer), at: now)
        }
    }
}

// MARK: - Endings

extension RechargeMachine {
    mutating func wait(_ reason: WaitReason, for delay: Duration, at now: ClockReading) -> Step {
        progress.dueAt = now.wallClock + delay
        progress.waitReason = reason
        return .wait(reason)
    }

    mutating func finish(_ verdict: Verdict, at now: ClockReading) -> Step {
        close(with: verdict, at: now)
        return .finish(verdict)
    }

    mutating func close(with verdict: Verdict, at now: ClockReading) {
        progress.state =
            switch verdict.outcome {
            case .succeeded: .succeeded
            case .expired: .expired
            case .refused: .refused
            case .failed, .inDoubt, .pending, .notFound: .failed
            }
        (progress.answer, progress.evidence) = (verdict.answer, verdict.evidence)
        progress.doubt = nil
        progress.completedAt = now.wallClock
    }

    func refusal(_ evidence: Evidence) -> Verdict {
        Verdict(.failed, evidence: evidence, code: .refusedByBOS, detail: "BOS refused the recharge", answer: progress.answer)
    }

    func failure(_ answer: Answer, refunded: Bool) -> Verdict {
        if progress.doubt == .duplicate {
            return Verdict(
                .failed, evidence: .enquiry, code: .duplicateTransaction,
                detail: "BOS had this referenceid before, and that recharge failed", answer: answer)
        }
        let detail = refunded ? "BOS says that the recharge was refunded" : "BOS says that the recharge failed"
        return Verdict(.failed, evidence: .enquiry, code: .refusedByBOS, detail: detail, answer: answer)
    }

    private func refusedCredentials(_ answer: Answer?, circumstance: String) -> Verdict {
        Verdict(
            .failed, evidence: answer == nil ? earlierEvidence : .answer, code: .refusedByBOS,
            detail: "BOS refuses the credentials of this job \(circumstance) (check its RegisterID and operator); nothing was executed",
            answer: answer ?? progress.answer)
    }

    /// The evidence that the earlier sendings were not executed: an enquiry or an operator; none if the recharge was never in doubt.
    private var earlierEvidence: Evidence { progress.resendings > 0 ? progress.evidence ?? .enquiry : .none }

    /// For a recharge that could not be sent. It was never in doubt, or its earlier sendings were proven not executed.
    private var gaveUp: Verdict {
        Verdict(
            .failed, evidence: earlierEvidence, code: .gaveUp,
            detail: "it could not be sent to BOS within the attempts or the age allowed (retry.maximumFailures, retry.maximumAge); "
                + "nothing was executed", answer: progress.answer)
    }

    /// - Parameters:
    ///   - reason: why it is not sent again, in one clause.
    ///   - evidence: what proves that the earlier sendings were not executed.
    func notExecuted(_ reason: String, evidence: Evidence) -> Verdict {
        Verdict(
            .failed, evidence: evidence, code: .notExecuted,
            detail: "the earlier sendings are known not to have been executed; \(reason)",
            answer: progress.answer)
    }
}

// MARK: - Unexpected events

extension RechargeMachine {
    /// No step led to this event. An enquiry moves no money, so the machine enquires; and what BOS has said is kept.
    private mutating func takeUnexpected(_ event: Event) -> Step {
        switch event {
        case .answered: return doubt(.acceptedByBOS)
        case .enquired(let report) where report.finding.isVerdict || report.finding == .pending: return doubt(.acceptedByBOS)
        case .notTaken, .unknown, .enquired, .enquiryUnanswered, .enquiryDeferred:
            return progress.state == .inDoubt ? enquire() : doubt(.unanswered)
        }
    }
}

extension RechargeMachine.Event {
    /// The state of the recharge during the call that reports this event.
    fileprivate var state: JobState {
        switch self {
        case .notTaken, .unknown, .answered: .sending
        case .enquired, .enquiryUnanswered, .enquiryDeferred: .inDoubt
        }
    }
}
