internal import ExactJSON
internal import JobModel

// MARK: - Enquiries

extension AnswerClassifier {
    /// An answer to `RechargesStatus`. After a wrong "failed" the customer pays again, so only the two documented HTTP statuses yield a finding.
    func enquiry(_ answer: ReadAnswer, version: CredentialVersion) -> Attempt<EnquiryAnswer> {
        if let early: Attempt<EnquiryAnswer> = common(answer, version: version) { return early }
        var facts = answer.facts
        guard [200, 401].contains(facts.httpStatus) else { return unexpectedStatus(facts) }
        if let problem = answer.data?.problem { return .unknown(.unreadable, detail: problem, facts) }
        let subject: Subject
        do throws(Subject.Unreadable) {
            subject = try Subject(answer.data, beside: answer.named)
        } catch {
            return .unknown(.unreadable, detail: error.problem, facts)
        }
        facts.reference = subject.reference
        let words = Words(of: facts.message, inData: answer.data?.message ?? "", phrases: phrases)
        if let data = answer.data, data.status != nil {
            facts.operatorID = facts.operatorID ?? data.operatorID
            if facts.message.isEmpty { facts.message = data.message }
        }
        let finding = finding(facts, data: answer.data, saying: words)
        // Words for "not now" without a finding are about the enquiry, not about the recharge.
        if finding == nil || finding == .declined, asksToComeLater(facts) { return .postponed(facts) }
        guard let finding else { return contradictory(facts) }
        return .answered(EnquiryAnswer(facts: facts, finding: finding, subject: subject))
    }

    /// Which lists of phrases in the configuration match the answer's messages.
    private struct Words {
        let notFound: Bool
        let failed: Bool
        /// Words that contradict a success. Their meaning without a success is unknown.
        let failing: Bool
        let postponed: Bool
        let pending: Bool
        /// The message in `data` says that the recharge is done. The outer message may be about the enquiry.
        let done: Bool

        init(of message: String, inData dataMessage: String, phrases: ConfiguredPhrases) {
            let data = Wording(dataMessage)
            let texts = [Wording(message), data]
            done = data.says(anyOf: ConfiguredPhrases.success) && !data.says(anyOf: ConfiguredPhrases.undone)
            notFound = texts.contains { $0.contains(anyOf: phrases.notFound) }
            failed = texts.contains { $0.contains(anyOf: phrases.failed) }
            postponed = texts.contains { $0.contains(anyOf: phrases.postponed) }
            failing = texts.contains { $0.says(anyOf: phrases.failing) }
            pending = texts.contains { $0.says(anyOf: phrases.pending) }
        }
    }

    /// What the answer says about the recharge. `nil` if it decides nothing.
    private func finding(_ facts: BOSFacts, data: AnswerData?, saying words: Words) -> RechargeMachine.Finding? {
        if configuration.codes.lists(facts.responseCode, as: .accepted) {
            // The code for "not finished" outweighs a status in `data`. Words that contradict the code leave no finding.
            let isContradicted = words.notFound || words.failed || data.map { refund($0) != .no } ?? false
            return isContradicted ? nil : .pending
        }
        guard let data else { return outerFinding(facts, saying: words) }
        guard let status = data.status, status.word != "" else {
            // `data` without a status decides nothing. Only "not found" may come with a `data` whose members are all empty.
            return data.isBlank && isNotFound(facts, saying: words) ? .notFound : nil
        }
        return dataFinding(facts, data: data, status: status, saying: words)
    }

    /// With `data`, the outer status and code say whether BOS answered the enquiry, and `data.status` is about the recharge.
    private func dataFinding(
        _ facts: BOSFacts, data: AnswerData, status: JSONValue, saying words: Words
    ) -> RechargeMachine.Finding? {
        guard let word = status.word, facts.status != false, facts.httpStatus == 200, !words.notFound,
            facts.responseCode == nil || facts.responseCode == configuration.codes.done
        else { return nil }
        let lists = [self.words.succeeded, self.words.failed, self.words.pending].map { $0.contains(word) }
        let refund = refund(data)
        switch (lists, refund) {
        case ([true, false, false], .no) where !words.failed && !words.failing && !words.pending && !words.postponed: return .succeeded
        case ([true, false, false], .yes), ([false, true, false], .yes): return .failed(refunded: true)
        // If the messages also have words for a failure, "pending" is about the refund.
        case ([false, true, false], .no) where !words.done && (!words.pending || words.failed): return .failed(refunded: word == "refunded")
        case ([false, false, true], .no): return .pending
        default: return nil
        }
    }

    private enum Refund {
        case yes
        case no
        case unreadable
    }

    /// Whether the money was returned. A refunded recharge has failed, whatever else the answer says about it.
    private func refund(_ data: AnswerData) -> Refund {
        guard let refunded = data.refunded else { return .no }
        guard let word = refunded.word else { return .unreadable }
        let (yes, no) = (words.refunded.contains(word), words.notRefunded.contains(word))
        if word.isEmpty || (no && !yes) { return .no }
        return yes && !no ? .yes : .unreadable
    }

    /// Without `data` only the outer status and code count.
    private func outerFinding(_ facts: BOSFacts, saying words: Words) -> RechargeMachine.Finding? {
        let codes = configuration.codes
        if isNotFound(facts, saying: words) { return .notFound }
        switch (facts.status, facts.responseCode) {
        // If words and numbers disagree, the answer decides nothing.
        case (true, codes.done):
            guard facts.httpStatus == 200, !words.notFound, !words.failed, !words.failing, !words.postponed else { return nil }
            return words.pending ? .pending : .succeeded
        // The code for a duplicate is about a request to recharge. In the answer to an enquiry it proves nothing.
        case (_, codes.done), (_, codes.duplicateReference), (_, nil), (true, _), (nil, _): return nil
        case (false, let code?):
            if words.notFound || Wording(facts.message).says(anyOf: ConfiguredPhrases.success) { return nil }
            if configuration.enquiry.failedCodes.contains(code) { return words.pending || words.postponed ? nil : .failed(refunded: false) }
            return words.failed && !words.postponed && !codes.askAgain.contains(code) ? .failed(refunded: false) : .declined
        }
    }

    private func isNotFound(_ facts: BOSFacts, saying words: Words) -> Bool {
        let codes = configuration.codes
        return words.notFound && !words.failed && !words.postponed && !words.pending && facts.status != true
            && facts.responseCode != codes.done && facts.responseCode != codes.duplicateReference
    }
}

// MARK: - PAN applications

extension AnswerClassifier {
    /// An answer to `Status`. A repeated query costs nothing and a final result cannot be undone, so only known words end an application.
    func panStatus(_ answer: ReadAnswer, version: CredentialVersion) -> Attempt<PANAnswer> {
        if let early: Attempt<PANAnswer> = common(answer, version: version) { return early }
        let facts = answer.facts
        guard [200, 401].contains(facts.httpStatus) else { return unexpectedStatus(facts) }
        let codes = configuration.codes
        let isPending = codes.lists(facts.responseCode, as: .accepted)
        let hasFailedCode = facts.status != true && facts.responseCode.map(configuration.pan.failedCodes.contains) ?? false
        guard !facts.message.isEmpty || isPending || hasFailedCode else { return contradictory(facts) }
        return .answered(PANAnswer(facts: facts, finding: panFinding(facts, hasFailedCode: hasFailedCode)))
    }

    private func panFinding(_ facts: BOSFacts, hasFailedCode: Bool) -> PANStatusMachine.Finding {
        let codes = configuration.codes
        if codes.lists(facts.responseCode, as: .accepted) { return .pending }
        let lists = [phrases.panPending, phrases.panCompleted, phrases.panRejected, ConfiguredPhrases.duplicateRefID]
        let wording = Wording(facts.message)
        switch lists.map(wording.contains(anyOf:)) {
        // Another code, or status false, would contradict the words.
        case [false, true, false, false] where facts.status != false && (facts.responseCode == nil || facts.responseCode == codes.done):
            return hasFailedCode ? .pending : .completed
        case [false, false, true, false]: return .rejected
        case [false, false, false, true] where facts.status != true:
            return .failed(isDuplicate: wording.contains(anyOf: ConfiguredPhrases.duplicate))
        case [false, false, false, false] where hasFailedCode:
            return .failed(isDuplicate: wording.contains(anyOf: ConfiguredPhrases.duplicate))
        default: return .pending
        }
    }
}

// MARK: - Words

extension JSONValue {
    /// The text of a word, a number or a boolean, in lower case and without white space at its ends.
    fileprivate var word: String? {
        if case .bool(let value) = self { return value ? "true" : "false" }
        return plainText?.trimmed.lowercased()
    }
}

/// The configured values of members of `data`, in lower case.
struct EnquiryWords: Sendable {
    let succeeded, failed, pending, refunded, notRefunded: Set<String>

    init(_ enquiry: BOSConfiguration.Enquiry) {
        func lowercase(_ words: [String]) -> Set<String> { Set(words.map { $0.lowercased() }) }
        succeeded = lowercase(enquiry.succeededWords)
        failed = lowercase(enquiry.failedWords)
        pending = lowercase(enquiry.pendingWords)
        refunded = lowercase(enquiry.refundedWords)
        notRefunded = lowercase(enquiry.notRefundedWords)
    }
}
