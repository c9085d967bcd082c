internal import ExactJSON

/// Decides what an HTTP answer means: by the response code first, the HTTP status second, and when in doubt that it is not known.
///
/// A pure function of the answer and the configuration; the tables are those of bos-api.md#dorecharge and the sections after it.
struct AnswerClassifier: Sendable {
    let configuration: BOSConfiguration

    /// An answer to `DoRecharge`. A wrong "done" or "refused" costs money, so both need a status and a code that agree.
    /// - Parameter request: what was asked. An answer that names another subscriber or amount is no answer to it, also where it says that nothing
    ///   was taken: what was not taken is sent again.
    func recharge(_ answer: ReadAnswer, to request: RechargeRequest? = nil, version: CredentialVersion) -> Attempt<RechargeAnswer> {
        let facts = answer.facts
        if let request, !answer.named.mayBe(request) {
            return .unknown(.contradictory, detail: "the answer names another subscriber or amount (\(facts))", facts)
        }
        if let early: Attempt<RechargeAnswer> = common(answer, version: version) { return early }
        if refusesForNow(facts) { return .postponed(facts) }
        let codes = configuration.codes
        switch (facts.status, facts.responseCode) {
        case (true, codes.done):
            // Success with an error's HTTP status, or with words that say otherwise, contradicts itself.
            guard (200...299).contains(facts.httpStatus), !saysOtherwise(facts.message) else { return contradictory(facts) }
            // "Request taken" has the same numbers as "done"; only the words tell them apart.
            return .answered(RechargeAnswer(facts: facts, meaning: facts.message.says(anyOf: codes.pendingPatterns) ? .accepted : .done))
        case (_, let code?) where codes.accepted.contains(code):
            return .answered(RechargeAnswer(facts: facts, meaning: .accepted))
        case (_, codes.duplicateReference):
            return .answered(RechargeAnswer(facts: facts, meaning: .duplicateReference))
        case (_, codes.done), (true, _), (nil, _):
            return contradictory(facts)
        case (false, let code):
            let isFinal = code.map(codes.finalRefusals.contains) == true && !saysTaken(facts.message)
            return .answered(RechargeAnswer(facts: facts, meaning: .refused(code: code, isFinal: isFinal)))
        }
    }

    /// What means the same for all three calls; `nil` if the call's own table decides.
    func common<Answer>(_ answer: ReadAnswer, version: CredentialVersion) -> Attempt<Answer>? {
        let facts = answer.facts
        if facts.httpStatus >= 500 { return .unknown(.serverError, detail: "BOS answered with HTTP \(facts.httpStatus)", facts) }
        // Only a 2xx or 4xx comes from BOS itself; a redirect comes from something in front of it.
        guard (200...299).contains(facts.httpStatus) || (400...499).contains(facts.httpStatus) else { return unexpectedStatus(facts) }
        let claims = claimsTaken(facts)
        if let problem = answer.problem, !answer.saysNothing || ![401, 402, 429].contains(facts.httpStatus) {
            return .unknown(.unreadable, detail: "HTTP \(facts.httpStatus): \(problem)\(likelyCause(answer))", facts)
        }
        // A 429 or 402 was not taken, unless its body claims otherwise.
        if facts.httpStatus == 429, !claims { return .throttled(facts) }
        if facts.httpStatus == 402, !claims { return .postponed(facts) }
        if !claims, refusesCredentialsWithoutCode(answer) { return .credentialsRefused(facts, version) }
        if let code = facts.responseCode, configuration.codes.credentialsRefused.contains(code) {
            if claims { return contradictory(facts) }
            // An empty wallet has the code of a refused token (bos-api.md#what-clients-show, point 4).
            return asksToComeLater(facts) ? .postponed(facts) : .credentialsRefused(facts, version)
        }
        return nil
    }

    /// Whether the answer says "not now" by its code or its words, and claims nothing else.
    func asksToComeLater(_ facts: BOSFacts) -> Bool {
        guard facts.status != true, facts.responseCode.map(claimsExecution) != true else { return false }
        return facts.responseCode.map(configuration.codes.postponed.contains) == true
            || facts.message.contains(anyOf: configuration.codes.postponedPatterns)
    }

    /// Whether a recharge was certainly not taken and may be sent later. Words alone are a guess: BOS must have refused it besides.
    private func refusesForNow(_ facts: BOSFacts) -> Bool {
        guard asksToComeLater(facts), !claimsTaken(facts) else { return false }
        if facts.responseCode.map(configuration.codes.postponed.contains) == true { return true }
        return facts.status == false || (400...499).contains(facts.httpStatus)
    }

    /// Whether the answer claims that BOS has taken the call: by its status, its code, a number that a recharge gets when it is taken, or its words.
    /// What claims so is never "not taken", for that is sent again.
    private func claimsTaken(_ facts: BOSFacts) -> Bool {
        facts.status == true || facts.responseCode.map(claimsExecution) == true || facts.operatorID != nil
            || facts.acknowledgement?.utf8.contains { $0 != UInt8(ascii: "0") } == true || saysTaken(facts.message)
    }

    /// Not "accepted" alone, for a token may be "not accepted".
    private func saysTaken(_ message: String) -> Bool {
        let phrases = ["success", "request accepted", "recharge accepted", "has been accepted"]
        return message.says(anyOf: configuration.codes.pendingPatterns + phrases)
    }

    /// Whether words contradict a success: that it failed, or that it was not taken.
    private func saysOtherwise(_ message: String) -> Bool {
        message.says(anyOf: configuration.codes.failingPatterns)
            || message.contains(anyOf: configuration.enquiry.failedPatterns + configuration.codes.postponedPatterns)
    }

    /// Whether our token was refused in another way than by code 15 or 16. Source: RFC 9110, section 15.5.2, and RFC 6750, section 3.1.
    private func refusesCredentialsWithoutCode(_ answer: ReadAnswer) -> Bool {
        let facts = answer.facts
        guard facts.responseCode == nil else { return false }
        // The API that hands out tokens refuses one in this form, also with HTTP 200 (assumed).
        if let subCode = answer.subCode, ["401", "403"].contains(subCode), [200, 401, 403].contains(facts.httpStatus) { return true }
        // What is known to be said of the business is said of the business.
        guard facts.httpStatus == 401, !facts.message.contains(anyOf: configuration.businessPatterns) else { return false }
        return facts.status == nil || answer.refusesToken || facts.message.contains(anyOf: ["token", "unauthori"])
    }

    /// Whether a code says that BOS did take the recharge, now or before.
    private func claimsExecution(_ code: Int) -> Bool {
        code == configuration.codes.done || code == configuration.codes.duplicateReference || configuration.codes.accepted.contains(code)
    }

    private func likelyCause(_ answer: ReadAnswer) -> String {
        guard answer.facts.httpStatus == 403, answer.saysNothing else { return "" }
        return "; a firewall in front of BOS probably refuses this client: ask BOS to allow this machine's address"
    }

    func contradictory<Answer>(_ facts: BOSFacts) -> Attempt<Answer> {
        .unknown(.contradictory, detail: "the answer says neither yes nor no (\(facts))", facts)
    }

    func unexpectedStatus<Answer>(_ facts: BOSFacts) -> Attempt<Answer> {
        .unknown(
            .unexpectedStatus, detail: "BOS is not known to answer with HTTP \(facts.httpStatus); check the base URL and proxies", facts)
    }
}

extension BOSConfiguration {
    /// Words that an answer says of a recharge or an application, never of our credentials.
    fileprivate var businessPatterns: [String] {
        enquiry.notFoundPatterns + enquiry.failedPatterns + pan.completedPatterns + pan.rejectedPatterns + pan.pendingPatterns + [
            "duplicate"
        ]
    }
}

extension NamedValues {
    /// Whether subscriber and amount, where they are named, are those of the request.
    fileprivate func mayBe(_ request: RechargeRequest) -> Bool {
        if let subscriber = ReadAnswer.identifier(subscriber), !subscriber.utf8.elementsEqual(request.subscriber.utf8) { return false }
        return ReadAnswer.identifier(amount).map { $0.hasSameValue(as: request.amount) } ?? true
    }
}

extension String {
    /// Whether one of these texts is a part of it, compared without regard to case.
    func contains(anyOf patterns: [String]) -> Bool { holds(oneOf: patterns, atWordStart: false) }

    /// Whether one of these phrases begins at the start of a word in it, compared without regard to case: "pending" is in "TXN_PENDING" and
    /// not in "depending".
    func says(anyOf phrases: [String]) -> Bool { holds(oneOf: phrases, atWordStart: true) }

    /// Bytes are compared, since every answer is held against some thirty phrases.
    private func holds(oneOf phrases: [String], atWordStart: Bool) -> Bool {
        guard !isEmpty, !phrases.isEmpty else { return false }
        let text = inSmallLetters
        func mayBegin(_ place: Int) -> Bool {
            !atWordStart || place == 0 || !(UInt8(ascii: "a")...UInt8(ascii: "z")).contains(text[place - 1])
        }
        return phrases.contains { phrase in
            let phrase = phrase.inSmallLetters
            guard let first = phrase.first, phrase.count <= text.count else { return false }
            return (0...(text.count - phrase.count)).contains { place in
                text[place] == first && mayBegin(place) && text[place...].starts(with: phrase)
            }
        }
    }

    private var inSmallLetters: [UInt8] {
        guard utf8.allSatisfy({ $0 < 0x80 }) else { return Array(lowercased().utf8) }
        return utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }
}
