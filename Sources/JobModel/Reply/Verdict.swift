/// What is to be told to everybody who asked: the one place where an outcome, its reason and its evidence come together.
package struct Verdict: Sendable, Equatable {
    package struct Failure: Sendable, Equatable {
        package var code: ReplyErrorCode
        /// One sentence for people.
        package var detail: String
    }

    package var outcome: Outcome
    package var failure: Failure?
    package var evidence: Evidence
    package var answer: Answer?

    package init(_ outcome: Outcome, _ evidence: Evidence, answer: Answer? = nil) {
        self.outcome = outcome
        self.evidence = evidence
        self.answer = answer
    }

    package init(_ outcome: Outcome, _ evidence: Evidence, _ code: ReplyErrorCode, _ detail: String, answer: Answer? = nil) {
        self.init(outcome, evidence, answer: answer)
        failure = Failure(code: code, detail: detail)
    }
}
