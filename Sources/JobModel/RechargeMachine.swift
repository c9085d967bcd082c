/// The life of one recharge. Source of the rules: bos-api.md, DoRecharge and RechargesStatus.
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
        /// The request may have been executed, and nobody knows.
        case unknown(Answer?)
        case answered(Meaning, Answer)
        case enquired(Finding, Answer)
        /// The enquiry got no usable answer.
        case enquiryUnanswered(credentialsRefused: Bool, retryAfter: Duration?)
    }

    package let recharge: Recharge
    /// When the job was accepted: how long it is tried counts from here.
    package let acceptedAt: Timestamp
    /// Changed by the machine's own functions only.
    package internal(set) var progress: Progress
    private let policy: RetryPolicy

    package init(_ recharge: Recharge, acceptedAt: Timestamp, _ progress: Progress = Progress(), policy: RetryPolicy) {
        self.recharge = recharge
        self.acceptedAt = acceptedAt
        self.progress = progress
        self.policy = policy
    }

    package mutating func wake(at now: Moment, jitter: Double) -> Step {
        // Before the due time is cleared: of what is held it is the deadline, and stays.
        if progress.state == .held { return expireHeld(at: now) }
        progress.dueAt = nil
        progress.waitReason = nil
        switch progress.state {
        case .accepted: return send(at: now)
        // Whoever stored the intent is gone, and so is the knowledge whether the request left.
        case .sending: return doubt(.unanswered)
        case .inDoubt: return ask()
        case .pending, .parked, .held, .succeeded, .failed, .refused, .notFound, .expired, .answeredPending: return .nothing
        }
    }

    package mutating func on(_ event: Event, at now: Moment, jitter: Double) -> Step {
        guard !progress.state.isFinal else { return .nothing }
        guard progress.state == event.state else { return take(outOfPlace: event) }
        switch event {
        case .notTaken(let failure): return retry(after: failure, at: now, jitter)
        case .unknown(let answer):
            progress.answer = answer
            return doubt(.unanswered)
        case .answered(let meaning, let answer): return take(meaning, answer, at: now, jitter)
        case .enquired(let finding, let answer): return take(finding, answer, at: now, jitter)
        case .enquiryUnanswered(let credentialsRefused, let retryAfter):
            progress.failures += 1
            return waitInDoubt(credentialsRefused ? .credentialsRefused : .doubt, at: now, jitter, atLeast: retryAfter)
        }
    }

    package mutating func setAside() -> Verdict? {
        guard progress.state == .inDoubt || progress.state == .parked, progress.told == nil else { return nil }
        progress.told = Outcome.inDoubt.rawValue
        let evidence: Evidence = progress.doubt == .unanswered ? .none : .answer
        return Verdict(.inDoubt, evidence, answer: progress.answer)
    }
}

// MARK: - Sending

extension RechargeMachine {
    private mutating func send(at now: Moment) -> Step {
        if let deadline = recharge.expiresAt, now.civil > deadline {
            // After a settled doubt something was sent before, and BOS did not know it.
            if progress.resendings > 0 { return finish(notExecuted("expires_at has passed, so it is not sent again"), at: now) }
            return finish(
                Verdict(.expired, .none, .deadlinePassed, "expires_at passed before anything was sent to BOS"), at: now)
        }
        guard let permit = RetryPermit(neverTaken: progress) else { return doubt(.unanswered) }
        return spend(permit, at: now)
    }

    private mutating func spend(_ permit: consuming RetryPermit, at now: Moment) -> Step {
        progress.state = .sending
        progress.attempts += 1
        progress.firstSentAt = progress.firstSentAt ?? now.civil
        progress.doubt = nil
        progress.notFoundAnswers = 0
        progress.firstNotFound = nil
        return .send(permit)
    }

    private mutating func retry(after failure: SendFailure, at now: Moment, _ jitter: Double) -> Step {
        progress.state = .accepted
        // Not reached by this request, so the first that may have reached BOS is still to come, unless a doubt came before it.
        if progress.resendings == 0 { progress.firstSentAt = nil }
        switch failure {
        case .notSent, .throttled: progress.failures += 1
        // No failure of this job's, which has all its attempts before it once that is over.
        case .credentialsRefused: break
        case .heldBack: progress.attempts -= 1
        }
        if now.civil - acceptedAt > policy.maximumAge || progress.failures >= policy.maximumFailures { return finish(gaveUp, at: now) }
        let backoff = policy.send.delay(failures: max(progress.failures, 1), jitter: jitter)
        switch failure {
        case .notSent: return wait(.notSent, backoff, at: now)
        case .throttled(let retryAfter): return wait(.throttled, max(backoff, retryAfter ?? .zero), at: now)
        case .credentialsRefused: return wait(.credentialsRefused, backoff, at: now)
        case .heldBack(let reason, let retryAfter): return wait(reason, max(backoff, retryAfter ?? .zero), at: now)
        }
    }

    private mutating func take(_ meaning: Meaning, _ answer: Answer, at now: Moment, _ jitter: Double) -> Step {
        progress.answer = answer
        progress.failures = 0
        switch meaning {
        case .done: return finish(Verdict(.succeeded, .answer, answer: answer), at: now)
        case .accepted:
            enterDoubt(.acceptedByBOS)
            return waitInDoubt(at: now, jitter)
        case .duplicateReference: return doubt(.duplicate)
        case .refused(isFinal: false): return doubt(.refused)
        case .refused(isFinal: true): return finish(refusal(.answer), at: now)
        }
    }
}

// MARK: - Doubt

extension RechargeMachine {
    private mutating func enterDoubt(_ cause: DoubtCause) {
        progress.state = .inDoubt
        progress.doubt = cause
        progress.notFoundAnswers = 0
        progress.firstNotFound = nil
    }

    private mutating func doubt(_ cause: DoubtCause) -> Step {
        enterDoubt(cause)
        progress.failures = 0
        return ask()
    }

    private mutating func ask() -> Step {
        progress.enquiries += 1
        return .ask
    }

    private mutating func take(_ finding: Finding, _ answer: Answer, at now: Moment, _ jitter: Double) -> Step {
        switch finding {
        case .succeeded: return finish(Verdict(.succeeded, .enquiry, answer: answer), at: now)
        case .failed(let refunded): return finish(failure(answer, refunded: refunded), at: now)
        case .pending:
            progress.answer = answer
            // From here on BOS has said that it knows the reference, so "not found" proves nothing any more.
            enterDoubt(.acceptedByBOS)
            progress.failures += 1
            return waitInDoubt(at: now, jitter)
        case .notFound: return notFound(at: now, jitter)
        case .declined:
            // With the code of its refusal it can only speak of the recharge.
            if progress.doubt == .refused, let code = answer.responseCode, code == progress.answer?.responseCode {
                return finish(failure(answer, refunded: false), at: now)
            }
            progress.failures += 1
            return waitInDoubt(at: now, jitter)
        }
    }

    private mutating func notFound(at now: Moment, _ jitter: Double) -> Step {
        progress.failures += 1
        switch progress.doubt {
        case .refused: return finish(refusal(.enquiry), at: now)
        case .acceptedByBOS, .duplicate: return waitInDoubt(at: now, jitter)
        case .unanswered, nil: break
        }
        progress.notFoundAnswers += 1
        progress.firstNotFound = progress.firstNotFound?.counted(from: now) ?? now
        guard let permit = RetryPermit(settled: progress, policy.settle, at: now) else { return waitInDoubt(at: now, jitter) }
        if let deadline = recharge.expiresAt, now.civil > deadline {
            return finish(notExecuted("expires_at has passed, so it is not sent again"), at: now)
        }
        guard progress.resendings < policy.maximumResendings else {
            return finish(notExecuted("it was sent \(progress.attempts) times to no avail"), at: now)
        }
        progress.resendings += 1
        progress.failures = 0
        return spend(permit, at: now)
    }

    private mutating func waitInDoubt(
        _ reason: WaitReason = .doubt, at now: Moment, _ jitter: Double, atLeast minimum: Duration? = nil
    ) -> Step {
        // The refusal of our credentials says nothing about the recharge: that is mended first.
        if reason == .doubt, let first = progress.firstSentAt, now.civil - first > policy.doubtMaximumAge {
            progress.state = .parked
            return .park
        }
        var delay = policy.enquiry.delay(failures: max(progress.failures, 1), jitter: jitter)
        // The answer that settles the doubt is asked for when the window ends, not long after it.
        if let first = progress.firstNotFound, progress.notFoundAnswers + 1 >= policy.settle.answers {
            let left = policy.settle.window - now.elapsed(since: first)
            if left > .zero { delay = min(delay, left) }
        }
        return wait(reason, max(delay, minimum ?? .zero), at: now)
    }
}

// MARK: - Endings

extension RechargeMachine {
    private mutating func wait(_ reason: WaitReason, _ delay: Duration, at now: Moment) -> Step {
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
        progress.answer = verdict.answer
        progress.doubt = nil
        progress.completedAt = now.civil
    }

    private func refusal(_ evidence: Evidence) -> Verdict {
        Verdict(.failed, evidence, .refusedByBOS, "BOS refused the recharge", answer: progress.answer)
    }

    private func failure(_ answer: Answer, refunded: Bool) -> Verdict {
        if progress.doubt == .duplicate {
            return Verdict(
                .failed, .enquiry, .duplicateTransaction,
                "BOS had this referenceid before, and that recharge failed", answer: answer)
        }
        let detail = refunded ? "BOS says that the recharge was refunded" : "BOS says that the recharge failed"
        return Verdict(.failed, .enquiry, .refusedByBOS, detail, answer: answer)
    }

    /// A doubt that came before was settled with "not executed", or there was none.
    private var gaveUp: Verdict {
        Verdict(
            .failed, progress.resendings > 0 ? .enquiry : .none, .gaveUp,
            "it could not be sent to BOS within the attempts or the age allowed (retry.maximumFailures, retry.maximumAge); "
                + "nothing was executed", answer: progress.answer)
    }

    private func notExecuted(_ why: String) -> Verdict {
        Verdict(
            .failed, .enquiry, .notExecuted,
            "BOS did not know the recharge in several enquiries over the settle window; \(why)",
            answer: progress.answer)
    }
}

// MARK: - Out of place

extension RechargeMachine {
    /// No step asked for this. Whatever it means, to ask BOS moves no money, and what BOS has said must not be forgotten.
    private mutating func take(outOfPlace event: Event) -> Step {
        switch event {
        case .answered, .enquired(.succeeded, _), .enquired(.failed, _), .enquired(.pending, _): doubt(.acceptedByBOS)
        case .notTaken, .unknown, .enquired(.notFound, _), .enquired(.declined, _), .enquiryUnanswered:
            progress.state == .inDoubt ? ask() : doubt(.unanswered)
        }
    }
}

extension RechargeMachine.Event {
    /// The state that a recharge is in while the call that can report this is under way.
    fileprivate var state: JobState {
        switch self {
        case .notTaken, .unknown, .answered: .sending
        case .enquired, .enquiryUnanswered: .inDoubt
        }
    }
}
