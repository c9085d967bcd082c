/// A recharge in doubt: when the worker enquires, and which answers resolve the doubt. Source of the rules:
/// bos-api.md#when-an-enquiry-settles-a-doubt.
extension RechargeMachine {
    mutating func enterDoubt(_ cause: DoubtCause) {
        progress.state = .inDoubt
        progress.doubt = cause
        forgetNotFound()
    }

    /// Starts the count of "not found" answers again: only answers in a row are evidence.
    mutating func forgetNotFound() {
        progress.notFoundAnswers = 0
        progress.firstNotFound = nil
    }

    mutating func doubt(_ cause: DoubtCause) -> Step {
        enterDoubt(cause)
        progress.failures = 0
        return enquire()
    }

    /// Enquires, unless the worker now calls another API or account than the one that has the recharge: that one's answer would be
    /// meaningless.
    mutating func enquire() -> Step {
        if let sentTo = progress.sentTo, !policy.reaches(sentTo) {
            return park("it was sent to \(sentTo), and the worker now calls \(policy.destination) (see api.formerly)")
        }
        progress.enquiries = next(progress.enquiries)
        return .query
    }

    /// Takes back the count of an enquiry that did not reach BOS.
    mutating func uncountEnquiry() { progress.enquiries = max(0, progress.enquiries - 1) }

    mutating func park(_ reason: String) -> Step {
        remark = reason
        progress.state = .parked
        return .park
    }

    /// The recharge may have been executed: no usable answer came.
    mutating func unknown(_ answer: Answer?, retryAfter: Duration?, at now: ClockReading, jitter: Double) -> Step {
        (progress.answer, progress.evidence) = (answer, answer.map { _ in .answer })
        // If BOS asks for a pause or is overloaded, the first enquiry waits.
        guard retryAfter != nil || answer?.httpStatus == 503 else { return doubt(.unanswered) }
        enterDoubt(.unanswered)
        progress.failures = 0
        return waitInDoubt(at: now, jitter: jitter, atLeast: retryAfter)
    }

    mutating func enquiryUnanswered(_ reason: WaitReason, retryAfter: Duration?, at now: ClockReading, jitter: Double) -> Step {
        progress.failures = next(progress.failures)
        return waitInDoubt(reason == .credentialsRefused ? reason : .doubt, at: now, jitter: jitter, atLeast: retryAfter)
    }

    /// Weighs the answer to an enquiry, and acts on it.
    mutating func enquired(_ report: EnquiryReport, at now: ClockReading, jitter: Double) -> Step {
        switch report.weighed(against: recharge, names: recharge.names(bosReference: progress.bosReference)) {
        case .usable: return act(on: report, at: now, jitter: jitter)
        case .unusable(let reason):
            // BOS had the reference before the first sending, for another recharge.
            if report.finding.isVerdict, progress.doubt == .duplicate, progress.resendings == 0 { return park(reason) }
            remark = reason
            progress.failures = next(progress.failures)
            forgetNotFound()
            return waitInDoubt(at: now, jitter: jitter)
        }
    }

    private mutating func act(on report: EnquiryReport, at now: ClockReading, jitter: Double) -> Step {
        let (finding, answer) = (report.finding, report.answer)
        if let reason = foreignRecharge(finding, subject: report.subject) { return park(reason) }
        if !report.subject.hasData, finding.isVerdict { remark = "the answer names no recharge: its outer status is all there is" }
        switch finding {
        case .succeeded: return finish(Verdict(.succeeded, evidence: .enquiry, answer: answer), at: now)
        case .failed(let refunded): return finish(failure(answer, refunded: refunded), at: now)
        case .pending:
            if progress.doubtfulAnswer.map({ tellsLess($0, than: answer) }) ?? true {
                (progress.answer, progress.evidence) = (answer, .enquiry)
            }
            // BOS has now said that it knows the reference, so a later "not found" proves nothing.
            if progress.doubt != .duplicate { enterDoubt(.acceptedByBOS) }
            progress.failures = next(progress.failures)
            return waitInDoubt(at: now, jitter: jitter)
        case .notFound: return notFound(report.calibration, at: now, jitter: jitter)
        case .declined:
            remark = "BOS declined the recharge or the enquiry, and its code does not show which (see api.enquiry.failedCodes)"
            progress.failures = next(progress.failures)
            forgetNotFound()
            return waitInDoubt(at: now, jitter: jitter)
        }
    }

    /// Whether the answer to an enquiry replaces the answer to `DoRecharge`.
    ///
    /// The answer to `DoRecharge` stays stored if it can: once the outcome is known, it shows what its code meant. An error page has no such
    /// code, and the operator's id or the acknowledgement is worth more to the customer.
    private func tellsLess(_ answer: Answer, than later: Answer) -> Bool {
        answer.httpStatus >= 500 || (later.hasNumber && !answer.hasNumber)
    }

    /// Why the recharge at BOS may be another system's; `nil` if it is this one.
    ///
    /// BOS called the first sending of this reference a repeat, so the earlier recharge need not be this job. Only an answer that names
    /// this subscriber is evidence.
    private func foreignRecharge(_ finding: Finding, subject: Subject) -> String? {
        guard finding.isVerdict, progress.doubt == .duplicate, progress.resendings == 0, subject.subscriber == nil else { return nil }
        return
            "BOS had this referenceid before it was sent for the first time, and its answer does not tell whether that recharge is this one"
    }

    private mutating func notFound(_ calibration: Calibration, at now: ClockReading, jitter: Double) -> Step {
        progress.failures = next(progress.failures)
        switch progress.doubt {
        case .acceptedByBOS, .duplicate:
            remark = "BOS had said before that it knows the recharge"
            return waitInDoubt(at: now, jitter: jitter)
        case .refused, .unanswered, nil: break
        }
        progress.notFoundAnswers = next(progress.notFoundAnswers)
        let first = progress.firstNotFound?.counted(from: now) ?? now
        progress.firstNotFound = first
        let (answers, window) = notFoundLimits
        guard progress.notFoundAnswers >= answers, now.elapsed(since: first) >= window else { return waitInDoubt(at: now, jitter: jitter) }
        guard progress.doubt == .unanswered else { return confirmRefusal(calibration, at: now, jitter: jitter) }
        return resolveNotFound(calibration, at: now, jitter: jitter)
    }

    /// BOS never answered `DoRecharge`, and answered "not found" over the whole window.
    private mutating func resolveNotFound(_ calibration: Calibration, at now: ClockReading, jitter: Double) -> Step {
        guard policy.notFound.meaning == .believe else {
            return park(
                "BOS did not know it in \(progress.notFoundAnswers) answers, which prove nothing (retry.settle.notFound); \(calibration.explanation)"
            )
        }
        guard let permit = RetryPermit(notFound: progress, policy: policy, calibration: calibration, at: now) else {
            remark = "\"not found\" is not believed: \(calibration.explanation)"
            if calibration == .untried, progress.sentTo != nil { return waitInDoubt(at: now, jitter: jitter) }
            return park(remark)
        }
        if let deadline = recharge.expiresAt, now.wallClock > deadline {
            return finish(notExecuted("expires_at has passed, so it is not sent again", evidence: .enquiry), at: now)
        }
        guard progress.resendings < policy.maximumResendings else {
            return finish(
                notExecuted("the worker sent it \(progress.attempts) times and does not send it again", evidence: .enquiry), at: now)
        }
        progress.resendings = next(progress.resendings)
        progress.evidence = .enquiry
        progress.failures = 0
        return spend(permit, at: now)
    }

    /// How many "not found" answers, over how long, this doubt needs.
    private var notFoundLimits: (answers: Int, window: Duration) {
        progress.doubt == .refused
            ? (policy.notFound.refusalAnswers, policy.notFound.refusalWindow)
            : (policy.notFound.answers, progress.notFoundWindow(under: policy))
    }

    /// BOS refused the recharge, and answered "not found" over the whole refusal window.
    private mutating func confirmRefusal(_ calibration: Calibration, at now: ClockReading, jitter: Double) -> Step {
        guard calibration.findsRecharges else {
            remark = "\"not found\" is not believed: \(calibration.explanation)"
            return waitInDoubt(at: now, jitter: jitter)
        }
        return finish(refusal(.enquiry), at: now)
    }

    /// Waits for the next enquiry, or parks a doubt that is too old.
    mutating func waitInDoubt(
        _ reason: WaitReason = .doubt, at now: ClockReading, jitter: Double, atLeast minimum: Duration? = nil
    ) -> Step {
        // Refused credentials say nothing about the recharge, so the age limit does not apply while BOS refuses ours.
        if let first = progress.firstSentAt, progress.age(of: first, at: now.wallClock) > policy.doubtMaximumAge, reason == .doubt {
            let lastRemark = remark.isEmpty ? "" : "; at last: \(remark)"
            return park("it has been in doubt for longer than retry.doubt.maximumAge\(lastRemark)")
        }
        var delay = policy.enquiry.delay(failures: max(progress.failures, 1), jitter: jitter)
        // The deciding enquiry is due when the window ends, not long afterwards. For a refused recharge it is not due before that either.
        let (answers, window) = notFoundLimits
        if let first = progress.firstNotFound {
            let left = window - now.elapsed(since: first)
            if left > .zero, progress.notFoundAnswers >= answers - 1 { delay = progress.doubt == .refused ? left : min(delay, left) }
        }
        return wait(reason, for: max(delay, minimum ?? .zero), at: now)
    }
}

/// Adds one to a counter, but stays at the largest integer: a stored counter may be damaged.
func next(_ count: Int) -> Int { count < Int.max ? count + 1 : count }
