/// The life of one recharge. Source of the rules: bos-api.md#dorecharge and bos-api.md#rechargesstatus.
package struct RechargeMachine: JobMachine {
    /// What BOS's answer to `DoRecharge` means.
    package enum Meaning: Sendable, Equatable {
        case done
        /// Taken, not finished (code 0 or 2).
        case accepted
        /// The reference was used before (code 11).
        case duplicateReference
        /// - Parameter isFinal: the code is known to mean that nothing was executed.
        case refused(isFinal: Bool)
    }

    /// What an enquiry can find.
    package enum Finding: Sendable, Equatable {
        case succeeded
        case failed(refunded: Bool)
        case pending
        case notFound
        /// BOS says no, and it is not known whether to the recharge or to the question.
        case declined
    }

    package enum Event: Sendable {
        /// The request was certainly not taken.
        case notTaken(SendFailure)
        /// The request may have been executed.
        /// - Parameter retryAfter: BOS asks for a pause before the next call.
        case unknown(Answer?, retryAfter: Duration? = nil)
        /// - Parameter bosReference: the answer's `refid`.
        case answered(Meaning, Answer, bosReference: String? = nil)
        case enquired(Finding, Answer, Subject = Subject(), Calibration = .untried)
        /// The enquiry got no usable answer.
        case enquiryUnanswered(WaitReason, retryAfter: Duration?)
        /// BOS was not asked.
        case enquiryHeldBack(WaitReason, retryAfter: Duration?)
    }

    package let recharge: Recharge
    /// When the job was accepted: how long it is tried counts from here.
    package let acceptedAt: Timestamp
    /// Changed by the machine's own functions only.
    package internal(set) var progress: Progress
    package internal(set) var remark = ""
    let policy: RetryPolicy

    package init(_ recharge: Recharge, acceptedAt: Timestamp, _ progress: Progress = Progress(), policy: RetryPolicy) {
        self.recharge = recharge
        self.acceptedAt = acceptedAt
        self.progress = progress
        self.policy = policy
    }

    package init?(_ job: Job, acceptedAt: Timestamp, progress: Progress, policy: RetryPolicy) {
        guard case .recharge(let recharge) = job else { return nil }
        self.init(recharge, acceptedAt: acceptedAt, progress, policy: policy)
    }

    package mutating func wake(at now: Moment, jitter: Double) -> Step {
        remark = ""
        // Before the due time is cleared: of what is held it is the deadline, and stays.
        if progress.state == .held { return expireHeld(at: now) }
        progress.dueAt = nil
        progress.waitReason = nil
        switch progress.state {
        case .accepted: return send(at: now)
        // The run that stored the intent is gone, and with it the knowledge whether the request left.
        case .sending: return doubt(.unanswered)
        case .inDoubt: return ask()
        case .pending, .parked, .held, .succeeded, .failed, .refused, .notFound, .expired, .answeredPending: return .nothing
        }
    }

    package mutating func on(_ event: Event, at now: Moment, jitter: Double) -> Step {
        remark = ""
        guard !progress.state.isFinal else { return .nothing }
        guard progress.state == event.state else { return take(outOfPlace: event) }
        switch event {
        case .notTaken(let failure): return retry(after: failure, at: now, jitter)
        case .unknown(let answer, let retryAfter): return unknown(answer, retryAfter, at: now, jitter)
        case .answered(let meaning, let answer, let bosReference):
            guard recharge.canBeNamed(bosReference) else {
                remark = "the answer's refid names another recharge, so it is not this recharge's answer"
                return unknown(answer, nil, at: now, jitter)
            }
            if let bosReference, bosReference != recharge.reference { progress.bosReference = bosReference }
            return take(meaning, answer, at: now, jitter)
        case .enquired(let finding, let answer, let subject, let calibration):
            switch finding.weighed(subject, against: recharge, names: recharge.names(progress.bosReference), calibration) {
            case .counts(let finding): return take(finding, answer, subject, calibration, at: now, jitter)
            case .saysNothing(let why):
                // BOS had the reference before, and has another recharge under it.
                if finding.isVerdict, progress.doubt == .duplicate, progress.resendings == 0 { return park(why) }
                remark = why
                progress.failures = next(progress.failures)
                forgetNotFound()
                return waitInDoubt(at: now, jitter)
            }
        case .enquiryUnanswered(let reason, let retryAfter): return enquiryUnanswered(reason, retryAfter, at: now, jitter)
        case .enquiryHeldBack(let reason, let retryAfter):
            notAsked()
            return enquiryUnanswered(reason, retryAfter, at: now, jitter)
        }
    }

    package mutating func setAside() -> Verdict? {
        guard progress.state == .inDoubt || progress.state == .parked, progress.told == nil else { return nil }
        progress.told = Outcome.inDoubt.rawValue
        let evidence = progress.doubt == .unanswered ? Evidence.none : progress.evidence ?? .answer
        return Verdict(.inDoubt, evidence: evidence, answer: progress.answer)
    }
}

// MARK: - Sending

extension RechargeMachine {
    private mutating func send(at now: Moment) -> Step {
        if let deadline = recharge.expiresAt, now.civil > deadline {
            // After a settled doubt something was sent before, and BOS did not know it.
            if progress.resendings > 0 {
                return finish(notExecuted("expires_at has passed, so it is not sent again", evidence: settledBefore), at: now)
            }
            return finish(
                Verdict(.expired, evidence: .none, code: .deadlinePassed, detail: "expires_at passed before anything was sent to BOS"),
                at: now)
        }
        guard let permit = RetryPermit(unsent: progress) else { return doubt(.unanswered) }
        return spend(permit, at: now)
    }

    mutating func spend(_ permit: consuming RetryPermit, at now: Moment) -> Step {
        progress.state = .sending
        progress.attempts = next(progress.attempts)
        // What was sent before it is settled, so that only this one can be in doubt.
        progress.sentTo = policy.destination
        progress.firstSentAt = progress.firstSentAt ?? now.civil
        progress.settleWindow = policy.settle.window
        progress.doubt = nil
        progress.notFoundAnswers = 0
        progress.firstNotFound = nil
        return .send(permit)
    }

    private mutating func retry(after failure: SendFailure, at now: Moment, _ jitter: Double) -> Step {
        progress.state = .accepted
        // Not reached by this request, so the first that may have reached BOS is still to come, unless a doubt came before it.
        if progress.resendings == 0 { (progress.firstSentAt, progress.sentTo) = (nil, nil) }
        switch failure {
        case .notSent: return retry(.notSent, nil, at: now, jitter)
        case .throttled(let retryAfter): return retry(.throttled, retryAfter, at: now, jitter)
        case .postponed:
            progress.attempts = max(0, progress.attempts - 1)
            // The lane is closed meanwhile, so that the pause need not grow: it only spreads the jobs.
            return wait(.postponed, policy.postponed.delay(failures: 3, jitter: jitter), at: now)
        case .credentialsRefused:
            progress.attempts = max(0, progress.attempts - 1)
            return wait(.credentialsRefused, policy.send.delay(failures: 1, jitter: jitter), at: now)
        case .ownCredentialsRefused(let takesOthers, let answer): return ownCredentialsRefused(takesOthers, answer, at: now, jitter)
        case .heldBack(let reason, let retryAfter):
            progress.attempts = max(0, progress.attempts - 1)
            let backoff = policy.send.delay(failures: max(progress.failures, 1), jitter: jitter)
            return wait(reason, max(backoff, retryAfter ?? .zero), at: now)
        }
    }

    /// After a failure that is the job's own. The time that it waited for a BOS in trouble is none of its failures: only with several of them in a
    /// row is its age held against it.
    private mutating func retry(_ reason: WaitReason, _ retryAfter: Duration?, at now: Moment, _ jitter: Double) -> Step {
        progress.failures = next(progress.failures)
        let isOld = progress.age(of: acceptedAt, at: now.civil) > policy.maximumAge && progress.failures >= policy.attempts
        if isOld || progress.failures >= policy.maximumFailures { return finish(gaveUp, at: now) }
        let backoff = policy.send.delay(failures: progress.failures, jitter: jitter)
        return wait(reason, max(backoff, retryAfter ?? .zero), at: now)
    }

    /// While it is not known that BOS takes the credentials of any recharge, only the age ends it: a merchant that is refused alone would wait for
    /// ever.
    private mutating func ownCredentialsRefused(_ takesOthers: Bool, _ answer: Answer?, at now: Moment, _ jitter: Double) -> Step {
        progress.attempts = max(0, progress.attempts - 1)
        guard takesOthers else {
            progress.failures = next(progress.failures)
            guard progress.age(of: acceptedAt, at: now.civil) > policy.maximumAge, progress.failures >= policy.attempts else {
                return wait(.ownCredentialsRefused, policy.refusedCredentials.delay(failures: 3, jitter: jitter), at: now)
            }
            return finish(refusedCredentials(answer, "for longer than retry.maximumAge, and takes those of enquiries"), at: now)
        }
        progress.credentialRefusals = next(progress.credentialRefusals)
        guard progress.credentialRefusals < policy.maximumCredentialRefusals else {
            return finish(refusedCredentials(answer, "and takes those of others"), at: now)
        }
        let delay = policy.refusedCredentials.delay(failures: progress.credentialRefusals, jitter: jitter)
        return wait(.ownCredentialsRefused, delay, at: now)
    }

    private mutating func take(_ meaning: Meaning, _ answer: Answer, at now: Moment, _ jitter: Double) -> Step {
        (progress.answer, progress.evidence) = (answer, .answer)
        progress.failures = 0
        progress.credentialRefusals = 0
        switch meaning {
        case .done: return finish(Verdict(.succeeded, evidence: .answer, answer: answer), at: now)
        case .accepted:
            enterDoubt(.acceptedByBOS)
            return waitInDoubt(at: now, jitter)
        case .duplicateReference: return doubt(.duplicate)
        case .refused(isFinal: false): return doubt(.refused)
        case .refused(isFinal: true): return finish(refusal(.answer), at: now)
        }
    }
}

// MARK: - Endings

extension RechargeMachine {
    mutating func wait(_ reason: WaitReason, _ delay: Duration, at now: Moment) -> Step {
        progress.dueAt = now.civil + delay
        progress.waitReason = reason
        return .wait(reason)
    }

    mutating func finish(_ verdict: Verdict, at now: Moment) -> Step {
        close(with: verdict, at: now)
        return .finish(verdict)
    }

    mutating func close(with verdict: Verdict, at now: Moment) {
        progress.state =
            switch verdict.outcome {
            case .succeeded: .succeeded
            case .expired: .expired
            case .refused: .refused
            case .failed, .inDoubt, .pending, .notFound: .failed
            }
        (progress.answer, progress.evidence) = (verdict.answer, verdict.evidence)
        progress.doubt = nil
        progress.completedAt = now.civil
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

    private func refusedCredentials(_ answer: Answer?, _ circumstance: String) -> Verdict {
        Verdict(
            .failed, evidence: answer == nil ? settledBefore : .answer, code: .refusedByBOS,
            detail: "BOS refuses the credentials of this job \(circumstance) (check its RegisterID and operator); nothing was executed",
            answer: answer ?? progress.answer)
    }

    /// What has settled that nothing of the sendings before was executed: an enquiry, or a person. Without a doubt nothing had to.
    private var settledBefore: Evidence { progress.resendings > 0 ? progress.evidence ?? .enquiry : .none }

    /// A doubt that came before was settled with "not executed", or there was none.
    private var gaveUp: Verdict {
        Verdict(
            .failed, evidence: settledBefore, code: .gaveUp,
            detail: "it could not be sent to BOS within the attempts or the age allowed (retry.maximumFailures, retry.maximumAge); "
                + "nothing was executed", answer: progress.answer)
    }

    /// - Parameter evidence: what has settled that.
    func notExecuted(_ why: String, evidence: Evidence) -> Verdict {
        Verdict(
            .failed, evidence: evidence, code: .notExecuted,
            detail: "what was sent before is settled as not executed; \(why)",
            answer: progress.answer)
    }
}

// MARK: - Out of place

extension RechargeMachine {
    /// No step asked for this. Whatever it means, to ask BOS moves no money, and what BOS has said must not be forgotten.
    private mutating func take(outOfPlace event: Event) -> Step {
        switch event {
        case .answered: return doubt(.acceptedByBOS)
        case .enquired(let finding, _, _, _) where finding.isVerdict || finding == .pending: return doubt(.acceptedByBOS)
        case .notTaken, .unknown, .enquired, .enquiryUnanswered, .enquiryHeldBack:
            return progress.state == .inDoubt ? ask() : doubt(.unanswered)
        }
    }
}

extension RechargeMachine.Event {
    /// The state that a recharge is in while the call that can report this is under way.
    fileprivate var state: JobState {
        switch self {
        case .notTaken, .unknown, .answered: .sending
        case .enquired, .enquiryUnanswered, .enquiryHeldBack: .inDoubt
        }
    }
}
