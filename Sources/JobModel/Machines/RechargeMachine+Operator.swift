/// What a person may do to a recharge. It follows the rules of the machine: nothing is sent again without proof, and what is over stays so.
extension RechargeMachine {
    /// Settles a doubt by a person's word. It moves no money: it only says what is to be believed from now on.
    /// - Parameters:
    ///   - reason: one sentence for the askers of a recharge that failed.
    ///   - heard: what BOS said when the person asked, if anything; its ids go into the reply.
    /// - Returns: what to tell the askers; `nil` unless the recharge is in doubt, parked, or held back and not wanted.
    package mutating func resolve(succeeded: Bool, reason: String, heard: Answer? = nil, at now: Moment) -> Verdict? {
        let answer = heard ?? progress.answer
        let isDoubt = (progress.state == .inDoubt || progress.state == .parked) && progress.doubt != nil
        // What is held back was never sent, so it cannot have succeeded.
        guard isDoubt || (progress.state == .held && !succeeded) else { return nil }
        let verdict =
            succeeded
            ? Verdict(.succeeded, evidence: .operator, answer: answer)
            : Verdict(isDoubt ? .failed : .refused, evidence: .operator, code: .resolvedByOperator, detail: reason, answer: answer)
        progress.dueAt = nil
        progress.waitReason = nil
        close(with: verdict, at: now)
        return verdict
    }

    /// Has a doubt sent again by a person's word that nothing was executed, under the same reference.
    ///
    /// It moves money. BOS must not have said that it knows the recharge, and must be the API and account that it was sent to: else no
    /// person's word makes it unsent.
    /// - Returns: `false`, and nothing is changed, if it is not such a doubt.
    package mutating func sendAgain(at now: Moment) -> Bool {
        guard progress.state == .inDoubt || progress.state == .parked, progress.doubt == .unanswered || progress.doubt == .refused,
            progress.sentTo.map(policy.reaches) != false, recharge.expiresAt.map({ now.civil <= $0 }) != false
        else { return false }
        progress.state = .accepted
        progress.doubt = nil
        progress.evidence = .operator
        progress.resendings = next(progress.resendings)
        progress.failures = 0
        // The next sending is the first that may have been executed.
        (progress.firstSentAt, progress.sentTo) = (nil, nil)
        progress.dueAt = now.civil
        progress.waitReason = nil
        return true
    }

    /// Makes a recharge that waits due at once. One that was parked is a doubt again, so that BOS is asked and nothing is sent; one that
    /// was held back is sent.
    /// - Returns: `false`, and nothing is changed, if it is over or may be on its way to BOS at this moment.
    package mutating func retry(at now: Moment) -> Bool {
        switch progress.state {
        case .accepted, .inDoubt: break
        case .parked: progress.state = .inDoubt
        case .held:
            progress.state = .accepted
            progress.told = nil
        case .sending, .pending, .succeeded, .failed, .refused, .notFound, .expired, .answeredPending: return false
        }
        progress.dueAt = now.civil
        return true
    }
}
