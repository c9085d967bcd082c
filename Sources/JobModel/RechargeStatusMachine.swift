/// The life of one question what became of a recharge: ask until there is an answer, or it is too late for one.
package struct RechargeStatusMachine: JobMachine {
    package enum Event: Sendable {
        case found(RechargeMachine.Finding, Answer)
        case unanswered(WaitReason, retryAfter: Duration?)
    }

    package let query: RechargeStatusQuery
    /// When the question was accepted, or asked anew: how long it is tried counts from here.
    package let acceptedAt: Timestamp
    package private(set) var progress: Progress
    private let policy: RetryPolicy

    package init(_ query: RechargeStatusQuery, acceptedAt: Timestamp, _ progress: Progress = Progress(), policy: RetryPolicy) {
        self.query = query
        self.acceptedAt = acceptedAt
        self.progress = progress
        self.policy = policy
    }

    package mutating func wake(at now: Moment, jitter: Double) -> Step {
        guard !progress.state.isFinal else { return .nothing }
        progress.dueAt = nil
        progress.waitReason = nil
        if let deadline = query.expiresAt, now.civil > deadline {
            return finish(.expired, Verdict(.expired, .none, .deadlinePassed, "expires_at passed before BOS answered"), at: now)
        }
        progress.attempts += 1
        return .ask
    }

    package mutating func on(_ event: Event, at now: Moment, jitter: Double) -> Step {
        guard !progress.state.isFinal else { return .nothing }
        switch event {
        case .found(.succeeded, let answer): return finish(.succeeded, Verdict(.succeeded, .enquiry, answer: answer), at: now)
        case .found(.pending, let answer): return finish(.answeredPending, Verdict(.pending, .enquiry, answer: answer), at: now)
        case .found(.notFound, let answer): return finish(.notFound, Verdict(.notFound, .enquiry, answer: answer), at: now)
        case .found(.failed(let refunded), let answer):
            let detail = refunded ? "BOS says that the recharge was refunded" : "BOS says that the recharge failed"
            return finish(.failed, Verdict(.failed, .enquiry, .refusedByBOS, detail, answer: answer), at: now)
        case .found(.declined, let answer):
            let detail = "BOS said no with a code whose meaning is not known (api.enquiry.failedCodes): to the recharge, or to the question"
            return finish(.expired, Verdict(.expired, .none, .gaveUp, detail, answer: answer), at: now)
        case .unanswered(let reason, let retryAfter):
            // What stops every question is no failure of this one's.
            if reason != .credentialsRefused, reason != .breakerOpen { progress.failures += 1 }
            if now.civil - acceptedAt > policy.maximumAge || progress.failures >= policy.maximumFailures {
                return finish(.expired, gaveUp, at: now)
            }
            let backoff = policy.send.delay(failures: max(progress.failures, 1), jitter: jitter)
            return wait(reason, max(backoff, retryAfter ?? .zero), at: now)
        }
    }

    package mutating func setAside() -> Verdict? { nil }

    /// It says nothing about the recharge, which has a job of its own.
    private var gaveUp: Verdict {
        Verdict(
            .expired, .none, .gaveUp,
            "BOS gave no answer within the attempts or the age allowed (retry.maximumFailures, retry.maximumAge); ask again")
    }

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
