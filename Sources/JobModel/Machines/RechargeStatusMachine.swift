/// The state machine of one question about a recharge. The worker enquires until there is an answer, or until it is too late for one.
package struct RechargeStatusMachine: JobMachine {
    package enum Event: Sendable {
        /// - Parameter known: the recharge as this ledger has it; `nil` if it does not.
        case found(EnquiryReport, known: KnownRecharge? = nil)
        case unanswered(WaitReason, retryAfter: Duration?)
        /// The worker did not make the enquiry.
        case deferred(WaitReason, retryAfter: Duration?)
        /// The worker did not make the enquiry: the recharge was sent to another API or account, and the present one knows nothing about
        /// it.
        case sentElsewhere(KnownRecharge)
        /// BOS refuses the credentials of this question and accepts those of others.
        case ownCredentialsRefused
    }

    package let query: RechargeStatusQuery
    /// When the worker accepted the question, or accepted it again. The question's age counts from here.
    package let acceptedAt: Timestamp
    package private(set) var progress: Progress
    package private(set) var remark = ""
    private let policy: RetryPolicy

    /// - Parameter progress: the stored progress; a new one for a new job.
    package init(_ query: RechargeStatusQuery, acceptedAt: Timestamp, progress: Progress = Progress(), policy: RetryPolicy) {
        self.query = query
        self.acceptedAt = acceptedAt
        self.progress = progress
        self.policy = policy
    }

    package init?(_ job: Job, acceptedAt: Timestamp, progress: Progress, policy: RetryPolicy) {
        guard case .rechargeStatus(let query) = job else { return nil }
        self.init(query, acceptedAt: acceptedAt, progress: progress, policy: policy)
    }

    package mutating func wake(at now: ClockReading, jitter: Double) -> Step {
        remark = ""
        guard !progress.state.isFinal else { return .nothing }
        progress.dueAt = nil
        progress.waitReason = nil
        if let deadline = query.expiresAt, now.wallClock > deadline {
            return finish(
                .expired, with: Verdict(.expired, evidence: .none, code: .deadlinePassed, detail: "expires_at passed before BOS answered"),
                at: now)
        }
        progress.attempts = next(progress.attempts)
        return .query
    }

    package mutating func on(_ event: Event, at now: ClockReading, jitter: Double) -> Step {
        guard !progress.state.isFinal else { return .nothing }
        switch event {
        case .found(let report, let known): return found(report, known: known, at: now, jitter: jitter)
        case .unanswered(let reason, let retryAfter): return unanswered(reason, retryAfter: retryAfter, at: now, jitter: jitter)
        case .deferred(let reason, let retryAfter):
            uncountAttempt()
            return unanswered(reason, retryAfter: retryAfter, at: now, jitter: jitter)
        case .sentElsewhere(let known):
            uncountAttempt()
            return answer(from: known, at: now)
        case .ownCredentialsRefused:
            progress.credentialRefusals = next(progress.credentialRefusals)
            guard progress.credentialRefusals < policy.maximumCredentialRefusals else {
                return finish(
                    .expired,
                    with: gaveUp("BOS refuses the credentials of this question (check its RegisterID) and takes those of others"),
                    at: now)
            }
            let delay = policy.refusedCredentials.delay(failures: progress.credentialRefusals, jitter: jitter)
            return wait(.ownCredentialsRefused, for: delay, at: now)
        }
    }

    /// Whether BOS can know this recharge: it was sent to the API and account that the worker calls now, or was not sent at all.
    package func mayEnquire(about known: KnownRecharge) -> Bool { known.isReachable(under: policy) }

    /// Takes back the count of an enquiry that did not reach BOS.
    private mutating func uncountAttempt() { progress.attempts = max(0, progress.attempts - 1) }

    private mutating func found(_ report: EnquiryReport, known: KnownRecharge?, at now: ClockReading, jitter: Double) -> Step {
        // The recharge may have been sent elsewhere during the enquiry.
        if let known, !mayEnquire(about: known) { return answer(from: known, at: now) }
        let names = known.map { $0.recharge.names(bosReference: $0.progress.bosReference) } ?? [query.reference]
        switch report.weighed(against: known?.recharge, names: names) {
        case .usable:
            if let reason = known?.contradiction(of: report) { return unusable(reason, at: now, jitter: jitter) }
            return conclude(report, known: known, at: now)
        case .unusable(let reason): return unusable(reason, at: now, jitter: jitter)
        }
    }

    /// Answers from this ledger, because BOS cannot be queried about the recharge any more.
    private mutating func answer(from known: KnownRecharge, at now: ClockReading) -> Step {
        let held = known.progress
        remark = "this ledger holds the recharge as \(held.state.rawValue), and has sent it to another API or account"
        let evidence = held.evidence ?? .none
        switch held.state {
        case .succeeded: return finish(.succeeded, with: Verdict(.succeeded, evidence: evidence, answer: held.answer), at: now)
        case .failed, .refused, .expired:
            let detail =
                "the recharge was not executed, or was refunded; it was sent to another API or account, so BOS cannot be asked about it any more"
            // A stored answer alone is no refusal: it may be an error page. Only where the answer itself ended the recharge, BOS refused it.
            let code: ReplyErrorCode = evidence == .operator ? .resolvedByOperator : evidence == .answer ? .refusedByBOS : .notExecuted
            return finish(.failed, with: Verdict(.failed, evidence: evidence, code: code, detail: detail, answer: held.answer), at: now)
        case .accepted, .sending, .inDoubt, .pending, .parked, .held, .notFound, .answeredPending:
            return finish(.answeredPending, with: Verdict(.pending, evidence: .none), at: now)
        }
    }

    /// Ends the question with what BOS answered.
    private mutating func conclude(_ report: EnquiryReport, known: KnownRecharge?, at now: ClockReading) -> Step {
        if let known, !known.isDecided(by: report) {
            remark = "this ledger holds the recharge as \(known.progress.state.rawValue)"
            return finish(.answeredPending, with: Verdict(.pending, evidence: .none), at: now)
        }
        let answer = report.answer
        switch report.finding {
        case .succeeded: return finish(.succeeded, with: Verdict(.succeeded, evidence: .enquiry, answer: answer), at: now)
        case .pending: return finish(.answeredPending, with: Verdict(.pending, evidence: .enquiry, answer: answer), at: now)
        case .notFound:
            if known?.progress.state == .succeeded {
                return finish(
                    .expired, with: gaveUp("BOS said before that it executed the recharge, and its enquiry does not find it"), at: now)
            }
            guard report.calibration.findsRecharges else {
                return finish(
                    .expired, with: gaveUp("BOS does not know the recharge, and \(report.calibration.explanation)"), at: now)
            }
            return finish(.notFound, with: Verdict(.notFound, evidence: .enquiry, answer: answer), at: now)
        case .failed(let refunded):
            let detail = refunded ? "BOS says that the recharge was refunded" : "BOS says that the recharge failed"
            let verdict = Verdict(.failed, evidence: .enquiry, code: .refusedByBOS, detail: detail, answer: answer)
            return finish(.failed, with: verdict, at: now)
        case .declined:
            let detail = "BOS declined the recharge or the question, and its code does not show which (see api.enquiry.failedCodes)"
            return finish(.expired, with: Verdict(.expired, evidence: .none, code: .gaveUp, detail: detail, answer: answer), at: now)
        }
    }

    /// Waits after an answer that is no evidence about the recharge; gives up after as many of them as one delivery has attempts.
    private mutating func unusable(_ reason: String, at now: ClockReading, jitter: Double) -> Step {
        remark = reason
        progress.failures = next(progress.failures)
        guard progress.failures < policy.attempts else {
            return finish(.expired, with: gaveUp("BOS gave no answer to this question: \(reason)"), at: now)
        }
        return wait(.unanswered, for: policy.send.delay(failures: progress.failures, jitter: jitter), at: now)
    }

    private mutating func unanswered(_ reason: WaitReason, retryAfter: Duration?, at now: ClockReading, jitter: Double) -> Step {
        // A cause that stops all questions is not a failure of this one.
        if ![.credentialsRefused, .breakerOpen, .postponed, .throttled].contains(reason) { progress.failures = next(progress.failures) }
        let isOld = progress.age(of: acceptedAt, at: now.wallClock) > policy.maximumAge && progress.failures >= policy.attempts
        if isOld || progress.failures >= policy.maximumFailures {
            return finish(
                .expired,
                with: gaveUp("BOS gave no answer within the attempts or the age allowed (retry.maximumFailures, retry.maximumAge)"),
                at: now)
        }
        let backoff = policy.send.delay(failures: max(progress.failures, 1), jitter: jitter)
        return wait(reason, for: max(backoff, retryAfter ?? .zero), at: now)
    }

    package mutating func takeInterimVerdict() -> Verdict? { nil }

    /// The end of the question without an answer. It says nothing about the recharge, which has its own job.
    private func gaveUp(_ reason: String) -> Verdict { Verdict(.expired, evidence: .none, code: .gaveUp, detail: "\(reason); ask again") }

    private mutating func wait(_ reason: WaitReason, for delay: Duration, at now: ClockReading) -> Step {
        progress.dueAt = now.wallClock + delay
        progress.waitReason = reason
        return .wait(reason)
    }

    private mutating func finish(_ state: JobState, with verdict: Verdict, at now: ClockReading) -> Step {
        progress.state = state
        progress.answer = verdict.answer
        progress.completedAt = now.wallClock
        return .finish(verdict)
    }
}

/// The recharge of a question, as this ledger has it.
package struct KnownRecharge: Sendable, Equatable {
    package var recharge: Recharge
    package var progress: Progress

    package init(recharge: Recharge, progress: Progress) {
        self.recharge = recharge
        self.progress = progress
    }

    /// Why BOS's answer cannot be about this recharge; `nil` if it can.
    ///
    /// This ledger may have ended the recharge without a request that may have reached BOS. BOS then knows the reference only if another
    /// system used it, so the answer must name the subscriber.
    fileprivate func contradiction(of report: EnquiryReport) -> String? {
        guard report.finding.isVerdict || report.finding == .pending, progress.state.isNeverExecuted, progress.firstSentAt == nil,
            report.subject.subscriber == nil
        else { return nil }
        return "this ledger has never sent the recharge, and the answer does not tell whether it is about this one"
    }

    /// Whether the recharge was last sent to the API and account that the worker calls now, or was not sent.
    fileprivate func isReachable(under policy: RetryPolicy) -> Bool { progress.sentTo.map(policy.reaches) != false }

    /// Whether the answer shows how this recharge ended. It does not while the recharge is unsent or may be on its way: BOS may still
    /// execute it after this answer.
    fileprivate func isDecided(by report: EnquiryReport) -> Bool {
        switch progress.state {
        case .accepted, .sending, .held, .pending: return false
        case .inDoubt, .parked:
            return report.finding.isVerdict && (progress.doubt != .duplicate || report.subject.subscriber != nil)
        case .succeeded, .failed, .refused, .notFound, .expired, .answeredPending: return true
        }
    }
}
