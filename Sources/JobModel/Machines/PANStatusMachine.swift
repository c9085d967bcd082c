/// The life of one PAN application that is followed until BOS has decided it. Source: bos-api.md#status.
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
        /// BOS was not asked.
        case heldBack(WaitReason, retryAfter: Duration?)
        /// BOS refuses the credentials of this check and takes those of enquiries.
        case ownCredentialsRefused
    }

    package let query: PANStatusQuery
    /// When the job was accepted: the application's age counts from here.
    package let acceptedAt: Timestamp
    package private(set) var progress: Progress
    package let remark = ""
    private let policy: RetryPolicy

    package init(_ query: PANStatusQuery, acceptedAt: Timestamp, _ progress: Progress = Progress(), policy: RetryPolicy) {
        self.query = query
        self.acceptedAt = acceptedAt
        self.progress = progress
        self.policy = policy
    }

    package init?(_ job: Job, acceptedAt: Timestamp, progress: Progress, policy: RetryPolicy) {
        guard case .panStatus(let query) = job else { return nil }
        self.init(query, acceptedAt: acceptedAt, progress, policy: policy)
    }

    package mutating func wake(at now: Moment, jitter: Double) -> Step {
        guard !progress.state.isFinal else { return .nothing }
        progress.dueAt = nil
        progress.waitReason = nil
        if let deadline = query.expiresAt, now.civil > deadline {
            return finish(.expired, expired(.deadlinePassed, "expires_at passed before BOS decided"), at: now)
        }
        if progress.age(of: acceptedAt, at: now.civil) > policy.pan.maximumAge {
            return finish(.expired, expired(.gaveUp, "still undecided after the maximum age (poller.pan.maximumAge)"), at: now)
        }
        progress.attempts = next(progress.attempts)
        return .ask
    }

    package mutating func on(_ event: Event, at now: Moment, jitter: Double) -> Step {
        guard !progress.state.isFinal else { return .nothing }
        switch event {
        case .found(.completed, let answer): return finish(.succeeded, Verdict(.succeeded, evidence: .answer, answer: answer), at: now)
        case .found(.rejected, let answer):
            return finish(
                .failed, Verdict(.failed, evidence: .answer, code: .panRejected, detail: "the application was rejected", answer: answer),
                at: now)
        case .found(.failed(let isDuplicate), let answer):
            let code: ReplyErrorCode = isDuplicate ? .duplicateRefID : .refusedByBOS
            return finish(
                .failed, Verdict(.failed, evidence: .answer, code: code, detail: "BOS refused the status check", answer: answer), at: now)
        case .found(.pending, let answer):
            progress.answer = answer
            progress.state = .pending
            progress.failures = 0
            progress.credentialRefusals = 0
            progress.enquiries = next(progress.enquiries)
            return wait(.panPending, interval(jitter), at: now)
        case .heldBack(let reason, let retryAfter):
            progress.attempts = max(0, progress.attempts - 1)
            return wait(reason, max(policy.send.delay(failures: max(progress.failures, 1), jitter: jitter), retryAfter ?? .zero), at: now)
        case .unanswered(let reason, let retryAfter):
            progress.failures = next(progress.failures)
            let backoff = policy.send.delay(failures: progress.failures, jitter: jitter)
            return wait(reason, max(backoff, retryAfter ?? .zero), at: now)
        case .ownCredentialsRefused:
            // It may be that BOS refuses every check, and that says nothing about the application.
            progress.credentialRefusals = next(progress.credentialRefusals)
            let longest = min(policy.pan.maximumInterval, LongestPauses.retryAfter)
            let backoff = RetryPolicy.Backoff(initial: policy.refusedCredentials.initial, maximum: longest)
            return wait(.ownCredentialsRefused, backoff.delay(failures: progress.credentialRefusals, jitter: jitter), at: now)
        }
    }

    /// `pending` is told on the first check and on each change of BOS's message. Source: publishing.md#outcomes.
    package mutating func setAside() -> Verdict? {
        guard progress.state == .pending, let answer = progress.answer, progress.told != answer.message else { return nil }
        progress.told = answer.message
        return Verdict(.pending, evidence: .answer, answer: answer)
    }

    /// Doubles with every check that found the application pending, and spreads by a tenth to either side.
    private func interval(_ jitter: Double) -> Duration {
        let growth = Double(1 << min(max(progress.enquiries - 1, 0), 30))
        return min(policy.pan.maximumInterval, policy.pan.firstCheckAfter * growth) * (0.9 + 0.2 * jitter)
    }

    private func expired(_ code: ReplyErrorCode, _ detail: String) -> Verdict {
        Verdict(.expired, evidence: progress.answer == nil ? .none : .answer, code: code, detail: detail, answer: progress.answer)
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
