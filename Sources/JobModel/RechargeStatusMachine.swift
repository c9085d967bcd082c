/// The life of one question what became of a recharge: ask until there is an answer.
package struct RechargeStatusMachine: JobMachine {
    package enum Event: Sendable {
        case found(RechargeMachine.Finding, Answer)
        case unanswered(WaitReason, retryAfter: Duration?)
    }

    package let query: RechargeStatusQuery
    package private(set) var progress: Progress
    private let policy: RetryPolicy

    package init(_ query: RechargeStatusQuery, _ progress: Progress = Progress(), policy: RetryPolicy) {
        self.query = query
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
        case .unanswered(let reason, let retryAfter):
            progress.failures += 1
            let backoff = policy.send.delay(failures: progress.failures, jitter: jitter)
            return wait(reason, max(backoff, retryAfter ?? .zero), at: now)
        }
    }

    package mutating func setAside() -> Verdict? { nil }

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
