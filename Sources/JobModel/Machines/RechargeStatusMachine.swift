/// The life of one question what became of a recharge: ask until there is an answer, or it is too late for one.
package struct RechargeStatusMachine: JobMachine {
    package enum Event: Sendable {
        /// - Parameter known: what this ledger holds of the recharge itself.
        case found(RechargeMachine.Finding, Answer, Subject = Subject(), Calibration = .untried, known: KnownRecharge? = nil)
        case unanswered(WaitReason, retryAfter: Duration?)
        /// BOS was not asked.
        case heldBack(WaitReason, retryAfter: Duration?)
        /// BOS was not asked: this ledger has sent the recharge to another API or account, and the one that is called now knows nothing of it.
        case sentElsewhere(KnownRecharge)
        /// BOS refuses the credentials of this question and takes those of others.
        case ownCredentialsRefused
    }

    package let query: RechargeStatusQuery
    /// When the question was accepted, or asked anew: how long it is tried counts from here.
    package let acceptedAt: Timestamp
    package private(set) var progress: Progress
    package private(set) var remark = ""
    private let policy: RetryPolicy

    package init(_ query: RechargeStatusQuery, acceptedAt: Timestamp, _ progress: Progress = Progress(), policy: RetryPolicy) {
        self.query = query
        self.acceptedAt = acceptedAt
        self.progress = progress
        self.policy = policy
    }

    package init?(_ job: Job, acceptedAt: Timestamp, progress: Progress, policy: RetryPolicy) {
        guard case .rechargeStatus(let query) = job else { return nil }
        self.init(query, acceptedAt: acceptedAt, progress, policy: policy)
    }

    package mutating func wake(at now: Moment, jitter: Double) -> Step {
        remark = ""
        guard !progress.state.isFinal else { return .nothing }
        progress.dueAt = nil
        progress.waitReason = nil
        if let deadline = query.expiresAt, now.civil > deadline {
            return finish(
                .expired, Verdict(.expired, evidence: .none, code: .deadlinePassed, detail: "expires_at passed before BOS answered"),
                at: now)
        }
        progress.attempts = next(progress.attempts)
        return .ask
    }

    package mutating func on(_ event: Event, at now: Moment, jitter: Double) -> Step {
        guard !progress.state.isFinal else { return .nothing }
        switch event {
        case .found(let finding, let answer, let subject, let calibration, let known):
            // It was sent elsewhere while BOS was asked.
            if let known, !mayAsk(about: known) { return self.answer(from: known, at: now) }
            let names = known.map { $0.recharge.names($0.progress.bosReference) } ?? [query.reference]
            switch finding.weighed(subject, against: known?.recharge, names: names, calibration) {
            case .counts(let finding):
                if let why = known?.contradiction(of: finding, subject) { return saysNothing(why, at: now, jitter) }
                return conclude(finding, answer, subject, calibration, known, at: now)
            case .saysNothing(let why): return saysNothing(why, at: now, jitter)
            }
        case .unanswered(let reason, let retryAfter): return unanswered(reason, retryAfter, at: now, jitter)
        case .heldBack(let reason, let retryAfter):
            notAsked()
            return unanswered(reason, retryAfter, at: now, jitter)
        case .sentElsewhere(let known):
            notAsked()
            return answer(from: known, at: now)
        case .ownCredentialsRefused:
            progress.credentialRefusals = next(progress.credentialRefusals)
            guard progress.credentialRefusals < policy.maximumCredentialRefusals else {
                return finish(
                    .expired, gaveUp("BOS refuses the credentials of this question (check its RegisterID) and takes those of others"),
                    at: now)
            }
            let delay = policy.refusedCredentials.delay(failures: progress.credentialRefusals, jitter: jitter)
            return wait(.ownCredentialsRefused, delay, at: now)
        }
    }

    /// Whether BOS can know this recharge: it was sent to the API and account that are called now, or not at all.
    package func mayAsk(about known: KnownRecharge) -> Bool { known.isAsked(policy) }

    /// The question that was about to be asked did not reach BOS.
    private mutating func notAsked() { progress.attempts = max(0, progress.attempts - 1) }

    /// What this ledger knows of a recharge about which BOS cannot be asked any more.
    private mutating func answer(from known: KnownRecharge, at now: Moment) -> Step {
        let held = known.progress
        remark = "this ledger holds the recharge as \(held.state.rawValue), and has sent it to another API or account"
        let evidence = held.evidence ?? .none
        switch held.state {
        case .succeeded: return finish(.succeeded, Verdict(.succeeded, evidence: evidence, answer: held.answer), at: now)
        case .failed, .refused, .expired:
            let detail = "the recharge has ended so; BOS cannot be asked about it any more, since it was sent to another API or account"
            let code: ReplyErrorCode = evidence == .operator ? .resolvedByOperator : held.answer == nil ? .notExecuted : .refusedByBOS
            return finish(.failed, Verdict(.failed, evidence: evidence, code: code, detail: detail, answer: held.answer), at: now)
        case .accepted, .sending, .inDoubt, .pending, .parked, .held, .notFound, .answeredPending:
            return finish(.answeredPending, Verdict(.pending, evidence: .none), at: now)
        }
    }

    private mutating func conclude(
        _ finding: RechargeMachine.Finding, _ answer: Answer, _ subject: Subject, _ calibration: Calibration, _ known: KnownRecharge?,
        at now: Moment
    ) -> Step {
        if let known, !known.isSettled(by: finding, subject) {
            remark = "this ledger holds the recharge as \(known.progress.state.rawValue)"
            return finish(.answeredPending, Verdict(.pending, evidence: .none), at: now)
        }
        switch finding {
        case .succeeded: return finish(.succeeded, Verdict(.succeeded, evidence: .enquiry, answer: answer), at: now)
        case .pending: return finish(.answeredPending, Verdict(.pending, evidence: .enquiry, answer: answer), at: now)
        case .notFound:
            if known?.progress.state == .succeeded {
                return finish(
                    .expired, gaveUp("BOS has said before that it executed the recharge, and its enquiry does not know it"), at: now)
            }
            guard calibration.findsRecharges else {
                return finish(.expired, gaveUp("BOS does not know the recharge, and \(calibration.explanation)"), at: now)
            }
            return finish(.notFound, Verdict(.notFound, evidence: .enquiry, answer: answer), at: now)
        case .failed(let refunded):
            let detail = refunded ? "BOS says that the recharge was refunded" : "BOS says that the recharge failed"
            return finish(.failed, Verdict(.failed, evidence: .enquiry, code: .refusedByBOS, detail: detail, answer: answer), at: now)
        case .declined:
            let detail = "BOS said no with a code whose meaning is not known (api.enquiry.failedCodes): to the recharge, or to the question"
            return finish(.expired, Verdict(.expired, evidence: .none, code: .gaveUp, detail: detail, answer: answer), at: now)
        }
    }

    /// The answer is about something else. It is asked for again as often as one delivery tries.
    private mutating func saysNothing(_ why: String, at now: Moment, _ jitter: Double) -> Step {
        remark = why
        progress.failures = next(progress.failures)
        guard progress.failures < policy.attempts else {
            return finish(.expired, gaveUp("BOS gave no answer to this question: \(why)"), at: now)
        }
        return wait(.unanswered, policy.send.delay(failures: progress.failures, jitter: jitter), at: now)
    }

    private mutating func unanswered(_ reason: WaitReason, _ retryAfter: Duration?, at now: Moment, _ jitter: Double) -> Step {
        // What stops every question is no failure of this one's.
        if ![.credentialsRefused, .breakerOpen, .postponed, .throttled].contains(reason) { progress.failures = next(progress.failures) }
        let isOld = progress.age(of: acceptedAt, at: now.civil) > policy.maximumAge && progress.failures >= policy.attempts
        if isOld || progress.failures >= policy.maximumFailures {
            return finish(
                .expired, gaveUp("BOS gave no answer within the attempts or the age allowed (retry.maximumFailures, retry.maximumAge)"),
                at: now)
        }
        let backoff = policy.send.delay(failures: max(progress.failures, 1), jitter: jitter)
        return wait(reason, max(backoff, retryAfter ?? .zero), at: now)
    }

    package mutating func setAside() -> Verdict? { nil }

    /// It says nothing about the recharge, which has a job of its own.
    private func gaveUp(_ why: String) -> Verdict { Verdict(.expired, evidence: .none, code: .gaveUp, detail: "\(why); ask again") }

    private mutating func wait(_ reason: WaitReason, _ delay: Duration, at now: Moment) -> Step {
        progress.dueAt = now.civil + delay
        progress.waitReason = reason
        return .wait(reason)
    }

    private mutating func finish(_ state: JobState, _ verdict: Verdict, at now: Moment) -> Step {
        progress.state = state
        progress.answer = verdict.answer
        progress.completedAt = now.civil
        return .finish(verdict)
    }
}

/// What this ledger holds of a recharge that a question is about.
package struct KnownRecharge: Sendable, Equatable {
    package var recharge: Recharge
    package var progress: Progress

    package init(recharge: Recharge, progress: Progress) {
        self.recharge = recharge
        self.progress = progress
    }

    /// Why BOS's finding cannot be taken for one about this recharge; `nil` if it can. What this ledger has ended without a request that may
    /// have reached BOS is known to BOS only if another system has used the reference: the answer must name the subscriber.
    fileprivate func contradiction(of finding: RechargeMachine.Finding, _ subject: Subject) -> String? {
        guard finding.isVerdict || finding == .pending, progress.state.isNeverExecuted, progress.firstSentAt == nil,
            subject.subscriber == nil
        else { return nil }
        return "this ledger has never sent the recharge, and the answer does not tell whether it is about this one"
    }

    /// Whether the API and account that are called now are those to which it was sent last.
    fileprivate func isAsked(_ policy: RetryPolicy) -> Bool { progress.sentTo.map(policy.reaches) != false }

    /// Whether an answer of BOS settles what became of this recharge. While this ledger has not sent it, or may be sending it, it does not: an
    /// answer of now says nothing of what happens then.
    fileprivate func isSettled(by finding: RechargeMachine.Finding, _ subject: Subject) -> Bool {
        switch progress.state {
        case .accepted, .sending, .held, .pending: return false
        case .inDoubt, .parked:
            return finding.isVerdict && (progress.doubt != .duplicate || subject.subscriber != nil)
        case .succeeded, .failed, .refused, .notFound, .expired, .answeredPending: return true
        }
    }
}
