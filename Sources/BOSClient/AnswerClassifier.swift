internal import ExactJSON

/// Decides what an HTTP answer means: by the response code first, the HTTP status second, and when in doubt that nobody knows.
///
/// A pure function of the answer and the configuration; the tables are those of `bos-api.md`.
struct AnswerClassifier: Sendable {
    let configuration: BOSConfiguration

    /// An answer to `DoRecharge`. A wrong "done" or "refused" costs money, so both need a status and a code that agree.
    func recharge(_ answer: ReadAnswer, version: CredentialVersion) -> Attempt<RechargeAnswer> {
        let facts = answer.facts
        if let early: Attempt<RechargeAnswer> = common(answer, version: version) { return early }
        let codes = configuration.codes
        switch (facts.status, facts.responseCode) {
        case (true, codes.done):
            // Success with an error's HTTP status contradicts itself.
            guard (200...299).contains(facts.httpStatus) else { return contradictory(facts) }
            return .answered(RechargeAnswer(facts: facts, meaning: .done))
        case (_, let code?) where codes.accepted.contains(code):
            return .answered(RechargeAnswer(facts: facts, meaning: .accepted))
        case (_, codes.duplicateReference):
            return .answered(RechargeAnswer(facts: facts, meaning: .duplicateReference))
        case (_, codes.done), (true, _), (nil, _):
            return contradictory(facts)
        case (false, let code):
            let isFinal = code.map(codes.finalRefusals.contains) ?? false
            return .answered(RechargeAnswer(facts: facts, meaning: .refused(code: code, isFinal: isFinal)))
        }
    }

    /// An answer to `RechargesStatus`. A wrong "failed" lets somebody pay again, so only the two documented HTTP statuses give a verdict.
    func enquiry(_ answer: ReadAnswer, version: CredentialVersion) -> Attempt<EnquiryAnswer> {
        if let early: Attempt<EnquiryAnswer> = common(answer, version: version) { return early }
        var facts = answer.facts
        guard [200, 401].contains(facts.httpStatus) else { return unexpectedStatus(facts) }
        let data = answer.data ?? [:]
        if data["status"] != nil {
            facts.operatorID = facts.operatorID ?? ReadAnswer.identifier(data["operatorid"])
            if facts.message.isEmpty { facts.message = ReadAnswer.message(data["message"]) }
        }
        let told = data["status"].map { verdict(status: $0, facts) } ?? verdict(facts)
        guard let told, let verdict = considering(refund: data["refunded"], told) else { return contradictory(facts) }
        return .answered(EnquiryAnswer(facts: facts, verdict: verdict))
    }

    /// - Parameter status: `data.status`; one that is there and not known, or no word at all, says neither yes nor no.
    private func verdict(status: JSONValue, _ facts: BOSFacts) -> EnquiryAnswer.Verdict? {
        guard let word = status.word else { return nil }
        // A form that was not filled in: BOS may well say that it knows nothing, but then nothing else.
        if word.isEmpty { return verdict(facts) == .notFound ? .notFound : nil }
        let words = configuration.enquiry
        if words.pendingWords.contains(word: word) { return .pending }
        if words.failedWords.contains(word: word) { return .failed(refunded: word == "refunded") }
        guard words.succeededWords.contains(word: word) else { return nil }
        return facts.status == false ? nil : .succeeded
    }

    /// What is refunded has failed, whatever else is said of it.
    private func considering(refund: JSONValue?, _ told: EnquiryAnswer.Verdict) -> EnquiryAnswer.Verdict? {
        guard let refund else { return told }
        guard let word = refund.word else { return nil }
        if word.isEmpty || configuration.enquiry.notRefundedWords.contains(word: word) { return told }
        guard configuration.enquiry.refundedWords.contains(word: word) else { return nil }
        switch told {
        case .succeeded, .failed: return .failed(refunded: true)
        case .pending, .notFound, .declined: return nil
        }
    }

    private func verdict(_ facts: BOSFacts) -> EnquiryAnswer.Verdict? {
        let codes = configuration.codes
        if facts.status != true, facts.message.contains(anyOf: configuration.enquiry.notFoundPatterns) { return .notFound }
        switch (facts.status, facts.responseCode) {
        case (true, codes.done): return .succeeded
        case (_, let code?) where codes.accepted.contains(code): return .pending
        // A duplicate is said of a request to recharge; about an enquiry it proves nothing.
        case (_, codes.done), (_, codes.duplicateReference), (_, nil), (true, _), (nil, _): return nil
        case (false, let code?):
            let enquiry = configuration.enquiry
            let saysFailed = enquiry.failedCodes.contains(code) || facts.message.contains(anyOf: enquiry.failedPatterns)
            return saysFailed ? .failed(refunded: false) : .declined
        }
    }

    /// An answer to `Status`. No money moves, but a verdict ends the following of an application, so it too needs a documented answer.
    func panStatus(_ answer: ReadAnswer, version: CredentialVersion) -> Attempt<PANAnswer> {
        if let early: Attempt<PANAnswer> = common(answer, version: version) { return early }
        let facts = answer.facts
        guard [200, 401].contains(facts.httpStatus) else { return unexpectedStatus(facts) }
        let verdict: PANAnswer.Verdict
        if facts.message.contains(anyOf: configuration.pan.pendingPatterns) {
            verdict = .pending
        } else if facts.message.contains(anyOf: configuration.pan.rejectedPatterns) {
            verdict = .rejected
        } else {
            switch (facts.status, facts.responseCode) {
            case (_, let code?) where configuration.codes.accepted.contains(code): verdict = .pending
            case (true, configuration.codes.done) where !facts.message.isEmpty, (true, nil) where !facts.message.isEmpty:
                verdict = .completed
            case (false, let code) where code != configuration.codes.done: verdict = .failed(code: code)
            default: return contradictory(facts)
            }
        }
        return .answered(PANAnswer(facts: facts, verdict: verdict))
    }

    /// What means the same for all three calls; `nil` if the call's own table decides.
    private func common<Answer>(_ answer: ReadAnswer, version: CredentialVersion) -> Attempt<Answer>? {
        let facts = answer.facts
        if facts.httpStatus >= 500 { return .unknown(.serverError, detail: "BOS answered with HTTP \(facts.httpStatus)", facts) }
        // A 429 was not taken, unless its body claims otherwise.
        if facts.httpStatus == 429, facts.status != true, facts.responseCode.map(claimsExecution) != true {
            return .throttled(retryAfter: facts.retryAfter)
        }
        // Only a 2xx or 4xx comes from BOS itself; a redirect comes from something in front of it.
        guard (200...299).contains(facts.httpStatus) || (400...499).contains(facts.httpStatus) else { return unexpectedStatus(facts) }
        if let problem = answer.problem { return .unknown(.unreadable, detail: "HTTP \(facts.httpStatus): \(problem)", facts) }
        if let code = facts.responseCode, configuration.codes.credentialsRefused.contains(code) {
            return facts.status == true ? contradictory(facts) : .credentialsRefused(code: code, version)
        }
        return nil
    }

    /// Whether a code says that BOS did take the recharge, now or before.
    private func claimsExecution(_ code: Int) -> Bool {
        code == configuration.codes.done || code == configuration.codes.duplicateReference || configuration.codes.accepted.contains(code)
    }

    private func contradictory<Answer>(_ facts: BOSFacts) -> Attempt<Answer> {
        .unknown(.contradictory, detail: "the answer says neither yes nor no (\(facts))", facts)
    }

    private func unexpectedStatus<Answer>(_ facts: BOSFacts) -> Attempt<Answer> {
        .unknown(
            .unexpectedStatus, detail: "BOS is not known to answer with HTTP \(facts.httpStatus); check the base URL and proxies", facts)
    }
}

extension JSONValue {
    /// The text of a word, a number or a boolean, in small letters.
    fileprivate var word: String? {
        if case .bool(let value) = self { return value ? "true" : "false" }
        return text?.lowercased()
    }
}

extension Set<String> {
    /// Whether one of them is this word, which is in small letters already.
    fileprivate func contains(word: String) -> Bool { contains(word) || contains { $0.lowercased() == word } }
}

extension String {
    fileprivate func contains(anyOf patterns: [String]) -> Bool {
        guard !isEmpty, !patterns.isEmpty else { return false }
        let text = lowercased()
        return patterns.contains { !$0.isEmpty && text.contains($0.lowercased()) }
    }
}
