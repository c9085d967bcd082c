package import BOSClient
package import JobModel
import Ledger
import Metrics
import Synchronization

/// The real BOS. It turns each attempt of the client into an event of the job's state machine, by one exhaustive `switch` for each call.
package final class BOSClientGateway: BOSGateway {
    private let client: any BOSCalls
    private let metrics = BOSMetrics()
    private let refused = Mutex<CredentialVersion?>(nil)
    private let sent = RecentReferences()

    package init(_ client: any BOSCalls) { self.client = client }

    package func recharge(
        _ recharge: Recharge, permit: consuming RetryPermit, options: CallOptions
    ) async -> CallReport<RechargeMachine.Event> {
        sent.insert(recharge.reference)
        let attempt = await metrics.measure(.recharge) {
            await client.recharge(recharge, traceparent: options.traceparent, timeout: options.timeout, isTimely: options.isTimely)
        }
        let note = attempt.note(.recharge, facts: \.facts)
        if namesAnother(than: recharge, in: attempt) {
            return CallReport(
                .unknown(nil), note: "\(note); its refid names another recharge", sighting: attempt.sighting(.recharge, facts: \.facts))
        }
        var report = CallReport(
            event(of: attempt), note: note, sighting: attempt.isPlainSuccess ? nil : attempt.sighting(.recharge, facts: \.facts))
        if case .credentialsRefused(let facts, _) = attempt { report.refusal = facts.answer }
        return report
    }

    /// Whether the `refid` of the answer names another recharge. Answers that say that BOS executed nothing are checked too, because the worker
    /// would send this recharge again.
    private func namesAnother(than recharge: Recharge, in attempt: Attempt<RechargeAnswer>) -> Bool {
        let facts: BOSFacts
        switch attempt {
        case .answered(let answer): facts = answer.facts
        case .throttled(let answer), .postponed(let answer), .credentialsRefused(let answer, _): facts = answer
        case .notSent, .unknown: return false
        }
        guard let name = facts.reference, name != recharge.reference else { return false }
        return !recharge.canBeNamed(name) || sent.contains(name)
    }

    private func event(of attempt: Attempt<RechargeAnswer>) -> RechargeMachine.Event {
        switch attempt {
        case .notSent(.tokenUnavailable, _): return .notTaken(.credentialsRefused)
        case .notSent(.late, _): return .notTaken(.deferred(.late, retryAfter: nil))
        case .notSent: return .notTaken(.notSent)
        case .throttled(let facts): return .notTaken(.throttled(retryAfter: facts.retryAfter))
        case .postponed: return .notTaken(.postponed)
        case .credentialsRefused(_, let version):
            recordRefusal(of: version)
            return .notTaken(.credentialsRefused)
        case .unknown(_, _, let facts): return .unknown(facts?.answer, retryAfter: facts?.retryAfter)
        case .answered(let answer):
            return .answered(answer.meaning, answer.facts.answer, bosReference: answer.facts.reference)
        }
    }

    package func enquire(_ reference: String, registerID: String, options: CallOptions) async -> CallReport<Enquiry> {
        let attempt = await metrics.measure(.enquiry) {
            await client.enquire(
                reference: reference, registerID: registerID, traceparent: options.traceparent, timeout: options.timeout)
        }
        let (note, sighting) = (attempt.note(.enquiry, facts: \.facts), attempt.sighting(.enquiry, facts: \.facts))
        switch attempt {
        case .answered(let answer):
            return CallReport(
                .found(answer.finding, answer.facts.answer, answer.subject), note: note, sighting: sighting)
        case .notSent(.tokenUnavailable, _): return CallReport(.deferred(.credentialsRefused, retryAfter: nil), note: note)
        case .notSent, .throttled, .postponed, .credentialsRefused, .unknown:
            let (reason, retryAfter) = unanswered(attempt)
            return CallReport(.unanswered(reason, retryAfter: retryAfter), note: note, sighting: sighting)
        }
    }

    package func panStatus(_ query: PANStatusQuery, options: CallOptions) async -> CallReport<PANStatusMachine.Event> {
        let attempt = await metrics.measure(.panStatus) {
            await client.panStatus(query, traceparent: options.traceparent, timeout: options.timeout)
        }
        let (note, sighting) = (attempt.note(.panStatus, facts: \.facts), attempt.sighting(.panStatus, facts: \.facts))
        switch attempt {
        case .answered(let answer):
            return CallReport(.found(answer.finding, answer.facts.answer), note: note, sighting: sighting)
        case .notSent(.tokenUnavailable, _): return CallReport(.deferred(.credentialsRefused, retryAfter: nil), note: note)
        case .notSent, .throttled, .postponed, .credentialsRefused, .unknown:
            let (reason, retryAfter) = unanswered(attempt)
            return CallReport(.unanswered(reason, retryAfter: retryAfter), note: note, sighting: sighting)
        }
    }

    package func renewCredentials() async -> Bool {
        guard let version = refused.withLock({ $0 }) else { return false }
        return await client.renewCredentials(refused: version)
    }

    private func recordRefusal(of version: CredentialVersion) { refused.withLock { $0 = version } }

    /// Why a query got no usable answer.
    private func unanswered<Answer>(_ attempt: Attempt<Answer>) -> (WaitReason, retryAfter: Duration?) {
        switch attempt {
        case .notSent: return (.notSent, nil)
        case .throttled(let facts): return (.throttled, facts.retryAfter)
        case .postponed(let facts): return (.postponed, facts.retryAfter)
        case .credentialsRefused(_, let version):
            recordRefusal(of: version)
            return (.credentialsRefused, nil)
        case .unknown(_, _, let facts): return (.unanswered, facts?.retryAfter)
        case .answered: return (.unanswered, nil)
        }
    }
}

extension Attempt {
    /// The clause for the job's history. It contains codes, reasons and hosts only, because a message of BOS may contain a subscriber number.
    fileprivate func note(_ endpoint: BOSMetrics.Endpoint, facts: (Answer) -> BOSFacts) -> String {
        let what =
            switch self {
            case .notSent(let reason, let detail): "not sent (\(reason.rawValue)): \(detail)"
            case .throttled: "HTTP 429"
            case .postponed(let facts): "postponed by BOS; \(facts)"
            case .credentialsRefused(let facts, _): "credentials refused; \(facts)"
            case .unknown(let reason, let detail, let facts):
                "unknown (\(reason.rawValue)): \(detail)" + (facts.map { "; \($0)" } ?? "")
            case .answered(let answer): "\(facts(answer))"
            }
        return "\(endpoint.rawValue): \(what)"
    }
}

extension Attempt {
    /// BOS's answer, for the ledger's count of codes.
    fileprivate func sighting(_ endpoint: CodeSighting.Endpoint, facts: (Answer) -> BOSFacts) -> CodeSighting? {
        switch self {
        case .notSent, .throttled: nil
        case .credentialsRefused(let facts, _), .postponed(let facts): CodeSighting(endpoint, answer: facts.answer)
        case .unknown(_, _, let facts): facts.map { CodeSighting(endpoint, answer: $0.answer) }
        case .answered(let answer): CodeSighting(endpoint, answer: facts(answer).answer)
        }
    }
}

extension Attempt where Answer == RechargeAnswer {
    /// Such answers are too many to be counted one by one, and the ledger counts successes anyway.
    fileprivate var isPlainSuccess: Bool {
        if case .answered(let answer) = self { return answer.meaning == .done }
        return false
    }
}
