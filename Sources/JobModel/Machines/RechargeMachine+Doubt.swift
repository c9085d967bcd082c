/// A recharge that may have been executed: what BOS is asked, and what its answers settle. Source of the rules: bos-api.md#when-an-enquiry-settles-a-doubt.
extension RechargeMachine {
    mutating func enterDoubt(_ cause: DoubtCause) {
        progress.state = .inDoubt
        progress.doubt = cause
        forgetNotFound()
    }

    /// Only "not found" answers in a row prove anything.
    mutating func forgetNotFound() {
        progress.notFoundAnswers = 0
        progress.firstNotFound = nil
    }

    mutating func doubt(_ cause: DoubtCause) -> Step {
        enterDoubt(cause)
        progress.failures = 0
        return ask()
    }

    /// Nothing is asked at an API that the recharge was not sent to: its answer would be about nothing.
    mutating func ask() -> Step {
        if let sentTo = progress.sentTo, !policy.reaches(sentTo) {
            return park("it was sent to \(sentTo), and the worker now calls \(policy.destination) (see api.formerly)")
        }
        progress.enquiries = next(progress.enquiries)
        return .ask
    }

    /// The enquiry that was about to be made did not reach BOS.
    mutating func notAsked() { progress.enquiries = max(0, progress.enquiries - 1) }

    mutating func park(_ why: String) -> Step {
        remark = why
        progress.state = .parked
        return .park
    }

    mutating func unknown(_ answer: Answer?, _ retryAfter: Duration?, at now: Moment, _ jitter: Double) -> Step {
        (progress.answer, progress.evidence) = (answer, answer.map { _ in .answer })
        // A BOS that asks for a pause, or is overloaded, is not asked at once.
        guard retryAfter != nil || answer?.httpStatus == 503 else { return doubt(.unanswered) }
        enterDoubt(.unanswered)
        progress.failures = 0
        return waitInDoubt(at: now, jitter, atLeast: retryAfter)
    }

    mutating func enquiryUnanswered(
        _ reason: WaitReason, _ retryAfter: Duration?, at now: Moment, _ jitter: Double
    ) -> Step {
        progress.failures = next(progress.failures)
        return waitInDoubt(reason == .credentialsRefused ? reason : .doubt, at: now, jitter, atLeast: retryAfter)
    }

    mutating func take(
        _ finding: Finding, _ answer: Answer, _ subject: Subject, _ calibration: Calibration, at now: Moment, _ jitter: Double
    ) -> Step {
        if let why = somebodyElses(finding, subject) { return park(why) }
        if !subject.hasData, finding.isVerdict { remark = "the answer names no recharge: its outer status is all there is" }
        switch finding {
        case .succeeded: return finish(Verdict(.succeeded, evidence: .enquiry, answer: answer), at: now)
        case .failed(let refunded): return finish(failure(answer, refunded: refunded), at: now)
        case .pending:
            // What BOS had said to the recharge itself is kept: what becomes of it tells what that meant.
            if progress.doubtfulAnswer == nil { (progress.answer, progress.evidence) = (answer, .enquiry) }
            // From here on BOS has said that it knows the reference, so "not found" proves nothing any more.
            if progress.doubt != .duplicate { enterDoubt(.acceptedByBOS) }
            progress.failures = next(progress.failures)
            return waitInDoubt(at: now, jitter)
        case .notFound: return notFound(calibration, at: now, jitter)
        case .declined:
            remark = "BOS said no to the recharge or to the question, and nothing tells to which (see api.enquiry.failedCodes)"
            progress.failures = next(progress.failures)
            forgetNotFound()
            return waitInDoubt(at: now, jitter)
        }
    }

    /// BOS called the first sending of this reference a repeat. The earlier recharge need not be this job: only an answer that names this
    /// subscriber counts.
    private func somebodyElses(_ finding: Finding, _ subject: Subject) -> String? {
        guard finding.isVerdict, progress.doubt == .duplicate, progress.resendings == 0, subject.subscriber == nil else { return nil }
        return
            "BOS had this referenceid before it was sent for the first time, and its answer does not tell whether that recharge is this one"
    }

    private mutating func notFound(_ calibration: Calibration, at now: Moment, _ jitter: Double) -> Step {
        progress.failures = next(progress.failures)
        switch progress.doubt {
        case .acceptedByBOS, .duplicate:
            remark = "BOS had said before that it knows the recharge"
            return waitInDoubt(at: now, jitter)
        case .refused, .unanswered, nil: break
        }
        progress.notFoundAnswers = next(progress.notFoundAnswers)
        let first = progress.firstNotFound?.counted(from: now) ?? now
        progress.firstNotFound = first
        let (answers, window) = settling
        guard progress.notFoundAnswers >= answers, now.elapsed(since: first) >= window else { return waitInDoubt(at: now, jitter) }
        guard progress.doubt == .unanswered else { return settleRefusal(calibration, at: now, jitter) }
        guard policy.settle.notFound == .believe else {
            return park(
                "BOS did not know it in \(progress.notFoundAnswers) answers, which prove nothing (retry.settle.notFound); \(calibration.explanation)"
            )
        }
        guard let permit = RetryPermit(settled: progress, policy, calibration, at: now) else {
            remark = "\"not found\" is not believed: \(calibration.explanation)"
            if calibration == .untried, progress.sentTo != nil { return waitInDoubt(at: now, jitter) }
            return park(remark)
        }
        if let deadline = recharge.expiresAt, now.civil > deadline {
            return finish(notExecuted("expires_at has passed, so it is not sent again", evidence: .enquiry), at: now)
        }
        guard progress.resendings < policy.maximumResendings else {
            return finish(notExecuted("it was sent \(progress.attempts) times to no avail", evidence: .enquiry), at: now)
        }
        progress.resendings = next(progress.resendings)
        progress.evidence = .enquiry
        progress.failures = 0
        return spend(permit, at: now)
    }

    /// How many "not found" answers over how long a doubt of this cause needs.
    private var settling: (answers: Int, window: Duration) {
        progress.doubt == .refused
            ? (policy.settle.refusalAnswers, policy.settle.refusalWindow) : (policy.settle.answers, progress.settleWindow(policy))
    }

    /// BOS refused the recharge and does not know it afterwards.
    private mutating func settleRefusal(_ calibration: Calibration, at now: Moment, _ jitter: Double) -> Step {
        guard calibration.findsRecharges else {
            remark = "\"not found\" is not believed: \(calibration.explanation)"
            return waitInDoubt(at: now, jitter)
        }
        return finish(refusal(.enquiry), at: now)
    }

    mutating func waitInDoubt(
        _ reason: WaitReason = .doubt, at now: Moment, _ jitter: Double, atLeast minimum: Duration? = nil
    ) -> Step {
        // The refusal of our credentials says nothing about the recharge: that is mended first.
        if let first = progress.firstSentAt, progress.age(of: first, at: now.civil) > policy.doubtMaximumAge, reason == .doubt {
            let known = remark.isEmpty ? "" : "; at last: \(remark)"
            return park("it is in doubt for longer than retry.doubt.maximumAge\(known)")
        }
        var delay = policy.enquiry.delay(failures: max(progress.failures, 1), jitter: jitter)
        // The answer that settles the doubt is asked for when the window ends, not long after it; of a refused recharge nothing is asked before.
        let (answers, window) = settling
        if let first = progress.firstNotFound {
            let left = window - now.elapsed(since: first)
            if left > .zero, progress.notFoundAnswers >= answers - 1 { delay = progress.doubt == .refused ? left : min(delay, left) }
        }
        return wait(reason, max(delay, minimum ?? .zero), at: now)
    }
}

extension RechargeMachine.Finding {
    /// Whether it settles what became of the recharge that it speaks of.
    var isVerdict: Bool {
        switch self {
        case .succeeded, .failed: true
        case .pending, .notFound, .declined: false
        }
    }
}

/// One more, but never beyond what an integer holds: a stored counter may be damaged.
func next(_ count: Int) -> Int { count < Int.max ? count + 1 : count }
