/// The state machine of one PAN application. The worker checks it until BOS has decided it. Source: bos-api.md#status.
package struct PANStatusMachine: JobMachine {
    package enum Finding: Sendable, Equatable {
        case completed
        case pending
        case rejected
        /// A business error such as "Duplicate RefID".
        case failed(isDuplicate: Bool)
    }

    package enum Event: Sendable {
        case found(Finding, Answer)
        case unanswered(WaitReason, retryAfter: Duration?)
        /// The worker did not make the check.
        case deferred(WaitReason, retryAfter: Duration?)
        /// BOS refuses the credentials of this check and accepts those of enquiries.
        case ownCredentialsRefused
    }

    package let query: PANStatusQuery
    /// When the worker accepted the job. The application's age counts from here.
    package let acceptedAt: Timestamp
    package private(set) var progress: Progress
    package let remark = ""
    private let policy: RetryPolicy

    /// - Parameter progress: the stored progress; a new one for a new job.
    package init(_ query: PANStatusQuery, acceptedAt: Timestamp, progress: Progress = Progress(), policy: RetryPolicy) {
        self.query = query
        self.acceptedAt = acceptedAt
        self.progress = progress
        self.policy = policy
    }

    package init?(_ job: Job, acceptedAt: Timestamp, progress: Progress, policy: RetryPolicy) {
        guard case .panStatus(let query) = job else { return nil }
        self.init(query, acceptedAt: acceptedAt, progress: progress, policy: policy)
    }

    package mutating func wake(at now: ClockReading, jitter: Double) -> Step {
        guard !progress.state.isFinal else { return .nothing }
        progress.dueAt = nil
        progress.waitReason = nil
        if let deadline = query.expiresAt, now.wallClock > deadline {
            return finish(.expired, with: expired(.deadlinePassed, detail: "expires_at passed before BOS decided"), at: now)
        }
        if progress.age(of: acceptedAt, at: now.wallClock) > policy.pan.maximumAge {
            return finish(
                .expired, with: expired(.gaveUp, detail: "BOS had not decided at the maximum age (poller.pan.maximumAge)"), at: now)
        }
        progress.attempts = next(progress.attempts)
        return .query
    }

    package mutating func on(_ event: Event, at now: ClockReading, jitter: Double) -> Step {
        guard !progress.state.isFinal else { return .nothing }
        switch event {
        case .found(.completed, let answer):
            return finish(.succeeded, with: Verdict(.succeeded, evidence: .answer, answer: answer), at: now)
        case .found(.rejected, let answer):
            let verdict = Verdict(.failed, evidence: .answer, code: .panRejected, detail: "the application was rejected", answer: answer)
            return finish(.failed, with: verdict, at: now)
        case .found(.failed(let isDuplicate), let answer):
            let code: ReplyErrorCode = isDuplicate ? .duplicateRefID : .refusedByBOS
            let verdict = Verdict(.failed, evidence: .answer, code: code, detail: "BOS refused the status check", answer: answer)
            return finish(.failed, with: verdict, at: now)
        case .found(.pending, let answer):
            progress.answer = answer
            progress.state = .pending
            progress.failures = 0
            progress.credentialRefusals = 0
            progress.enquiries = next(progress.enquiries)
            return wait(.panPending, for: interval(jitter: jitter), at: now)
        case .deferred(let reason, let retryAfter):
            progress.attempts = max(0, progress.attempts - 1)
            let backoff = policy.send.delay(failures: max(progress.failures, 1), jitter: jitter)
            return wait(reason, for: max(backoff, retryAfter ?? .zero), at: now)
        case .unanswered(let reason, let retryAfter):
            progress.failures = next(progress.failures)
            let backoff = policy.send.delay(failures: progress.failures, jitter: jitter)
            return wait(reason, for: max(backoff, retryAfter ?? .zero), at: now)
        case .ownCredentialsRefused:
            // BOS may be refusing every check, which says nothing about the application. So this never ends the job.
            progress.credentialRefusals = next(progress.credentialRefusals)
            let longest = min(policy.pan.maximumInterval, LongestPauses.retryAfter)
            let backoff = RetryPolicy.Backoff(initial: policy.refusedCredentials.initial, maximum: longest)
            return wait(.ownCredentialsRefused, for: backoff.delay(failures: progress.credentialRefusals, jitter: jitter), at: now)
        }
    }

    /// The interim verdict is `pending`, after the first check and after each change of BOS's message. Source: publishing.md#outcomes.
    package mutating func takeInterimVerdict() -> Verdict? {
        guard progress.state == .pending, let answer = progress.answer, progress.reported != answer.message else { return nil }
        progress.reported = answer.message
        return Verdict(.pending, evidence: .answer, answer: answer)
    }

    /// The time to the next check. It doubles with each check that found the application pending, up to the maximum; jitter changes it by
    /// up to a tenth in either direction.
    private func interval(jitter: Double) -> Duration {
        let growth = Double(1 << min(max(progress.enquiries - 1, 0), 30))
        return min(policy.pan.maximumInterval, policy.pan.firstCheckAfter * growth) * (0.9 + 0.2 * jitter)
    }

    private func expired(_ code: ReplyErrorCode, detail: String) -> Verdict {
        Verdict(.expired, evidence: progress.answer == nil ? .none : .answer, code: code, detail: detail, answer: progress.answer)
    }

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
