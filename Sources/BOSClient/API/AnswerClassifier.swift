internal import ExactJSON
internal import JobModel

/// Decides what an HTTP answer means: by the response code first, then by the HTTP status. If neither decides, the meaning is unknown.
///
/// The result depends on the answer and the configuration only. Source of the tables: bos-api.md#dorecharge and the sections after it.
struct AnswerClassifier: Sendable {
    let configuration: BOSConfiguration
    let phrases: ConfiguredPhrases
    let words: EnquiryWords

    init(configuration: BOSConfiguration) {
        self.configuration = configuration
        phrases = ConfiguredPhrases(configuration)
        words = EnquiryWords(configuration.enquiry)
    }

    /// An answer to `DoRecharge`. A wrong "done" or "refused" costs money, so both need a status and a code that agree.
    /// - Parameters:
    ///   - recharge: the recharge that was sent. An answer that names another subscriber or amount does not count as its answer, even if it says
    ///     that BOS executed nothing, because the worker would send the recharge again.
    ///   - version: the token that the call carried.
    func recharge(_ answer: ReadAnswer, to recharge: Recharge? = nil, version: CredentialVersion) -> Attempt<RechargeAnswer> {
        var answer = answer
        // The mask may have changed our own reference, if a secret is a part of it.
        if let recharge, ReadAnswer.digits(answer.named.reference) == recharge.reference { answer.facts.reference = recharge.reference }
        let facts = answer.facts
        if let recharge, !answer.named.mayBe(recharge) {
            // Without the facts: the job must not store the answer to another recharge as its own.
            return .unknown(.contradictory, detail: "the answer names another subscriber or amount (\(facts))", nil)
        }
        if let early: Attempt<RechargeAnswer> = common(answer, version: version) { return early }
        if refusesForNow(facts) { return .postponed(facts) }
        let codes = configuration.codes
        switch (facts.status, facts.responseCode) {
        case (true, codes.done):
            // A success with the HTTP status of an error, or with words against it, contradicts itself.
            let wording = Wording(facts.message)
            guard (200...299).contains(facts.httpStatus), !saysOtherwise(wording) else { return contradictory(facts) }
            // "Accepted" has the same numbers as "done". Only the words distinguish them.
            return .answered(RechargeAnswer(facts: facts, meaning: wording.says(anyOf: phrases.pending) ? .accepted : .done))
        case (_, let code) where codes.lists(code, as: .accepted):
            return .answered(RechargeAnswer(facts: facts, meaning: .accepted))
        case (_, codes.duplicateReference):
            return .answered(RechargeAnswer(facts: facts, meaning: .duplicateReference))
        case (_, codes.done), (true, _), (nil, _):
            return contradictory(facts)
        case (false, let code):
            let isFinal = codes.lists(code, as: .finalRefusal) && !saysTaken(facts.message)
            return .answered(RechargeAnswer(facts: facts, meaning: .refused(isFinal: isFinal)))
        }
    }

    /// The meaning of answers that mean the same for all three calls. `nil` if the table of the call decides.
    func common<Answer>(_ answer: ReadAnswer, version: CredentialVersion) -> Attempt<Answer>? {
        let facts = answer.facts
        if facts.httpStatus >= 500 { return .unknown(.serverError, detail: "BOS answered with HTTP \(facts.httpStatus)", facts) }
        // Only a 2xx or 4xx comes from BOS itself. A redirect comes from a proxy in front of it.
        guard (200...299).contains(facts.httpStatus) || (400...499).contains(facts.httpStatus) else { return unexpectedStatus(facts) }
        let claims = claimsTaken(facts)
        if let problem = answer.problem, !answer.saysNothing || ![401, 402, 429].contains(facts.httpStatus) {
            return .unknown(.unreadable, detail: "HTTP \(facts.httpStatus): \(problem)\(likelyCause(answer))", facts)
        }
        // With 429 or 402 BOS executed nothing, unless the body claims that it did.
        if facts.httpStatus == 429, !claims { return .throttled(facts) }
        if facts.httpStatus == 402, !claims { return .postponed(facts) }
        if !claims, refusesCredentialsWithoutCode(answer) { return .credentialsRefused(facts, version) }
        if let code = facts.responseCode, configuration.codes.credentialsRefused.contains(code) {
            if claims { return contradictory(facts) }
            // BOS answers an empty wallet with the code of a refused token. Source: bos-api.md#what-clients-show, point 4.
            return asksToComeLater(facts) ? .postponed(facts) : .credentialsRefused(facts, version)
        }
        return nil
    }

    /// Whether the answer says "not now" by its code or its words, and claims no execution.
    func asksToComeLater(_ facts: BOSFacts) -> Bool {
        guard facts.status != true, facts.responseCode.map(claimsExecution) != true else { return false }
        return configuration.codes.lists(facts.responseCode, as: .postponed)
            || Wording(facts.message).contains(anyOf: phrases.postponed)
    }

    /// Whether BOS certainly did not accept the recharge and the worker may send it later. Words alone are not enough: BOS must also have refused it.
    private func refusesForNow(_ facts: BOSFacts) -> Bool {
        guard asksToComeLater(facts), !claimsTaken(facts) else { return false }
        if configuration.codes.lists(facts.responseCode, as: .postponed) { return true }
        return facts.status == false || (400...499).contains(facts.httpStatus)
    }

    /// Whether the answer claims that BOS accepted the call: by its status, its code, a number that BOS assigns to an accepted recharge, or its words.
    /// Such an answer never counts as "not executed", because the worker would send the recharge again.
    private func claimsTaken(_ facts: BOSFacts) -> Bool {
        facts.status == true || facts.responseCode.map(claimsExecution) == true || facts.operatorID != nil
            || facts.acknowledgement?.utf8.contains { $0 != UInt8(ascii: "0") } == true || saysTaken(facts.message)
    }

    private func saysTaken(_ message: String) -> Bool { Wording(message).says(anyOf: phrases.taken) }

    /// Whether words contradict a success: they say that the recharge failed, or that BOS did not accept it.
    private func saysOtherwise(_ wording: Wording) -> Bool {
        wording.says(anyOf: phrases.failing) || wording.contains(anyOf: phrases.failed) || wording.contains(anyOf: phrases.postponed)
    }

    /// Whether BOS refused the token in another way than by code 15 or 16. Source: RFC 9110, section 15.5.2, and RFC 6750, section 3.1.
    private func refusesCredentialsWithoutCode(_ answer: ReadAnswer) -> Bool {
        let facts = answer.facts
        guard facts.responseCode == nil else { return false }
        // The API that issues tokens refuses one in this form, also with HTTP 200 (assumed).
        if let subCode = answer.subCode, ["401", "403"].contains(subCode), [200, 401, 403].contains(facts.httpStatus) { return true }
        // These phrases are about recharges and applications, never about the token.
        let wording = Wording(facts.message)
        guard facts.httpStatus == 401, !wording.contains(anyOf: phrases.business) else { return false }
        return facts.status == nil || answer.refusesToken || wording.contains(anyOf: ConfiguredPhrases.token)
    }

    /// Whether the code means that BOS accepted the recharge, now or earlier.
    private func claimsExecution(_ code: Int) -> Bool {
        code == configuration.codes.done || code == configuration.codes.duplicateReference
            || configuration.codes.lists(code, as: .accepted)
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

extension NamedValues {
    /// Whether the subscriber and the amount, if they are named, are those of the recharge.
    fileprivate func mayBe(_ recharge: Recharge) -> Bool {
        if let subscriber = ReadAnswer.digits(subscriber), !subscriber.utf8.elementsEqual(recharge.subscriber.utf8) { return false }
        return ReadAnswer.digits(amount).map { $0.hasSameValue(as: recharge.amount.rupees) } ?? true
    }
}
