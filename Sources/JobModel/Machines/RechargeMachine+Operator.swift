/// What an operator may do to a recharge. The rules of the machine hold here too: nothing is sent again without proof, and a final recharge
/// stays final.
extension RechargeMachine {
    /// Applies an operator's decision about a recharge in doubt, or refuses a held one. Moves no money: it only records the outcome.
    /// - Parameters:
    ///   - succeeded: the operator says that the recharge succeeded, not that it failed.
    ///   - reason: one sentence for the recipients of a recharge that failed.
    ///   - heard: BOS's answer to the operator's enquiry, if there was one. Its ids go into the reply.
    /// - Returns: the verdict for the recipients; `nil` unless the recharge is in doubt, or parked, or held and resolved as failed.
    package mutating func resolve(succeeded: Bool, reason: String, heard: Answer? = nil, at now: ClockReading) -> Verdict? {
        let answer = heard ?? progress.answer
        let isDoubt = (progress.state == .inDoubt || progress.state == .parked) && progress.doubt != nil
        // A held recharge was never sent, so it cannot have succeeded.
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

    /// Schedules a recharge in doubt to be sent again under the same reference, because an operator decided that it was not executed.
    ///
    /// This moves money. BOS must not have said that it knows the recharge, and the worker must call the API and account to which it was
    /// sent. Otherwise no operator's decision makes a second sending safe.
    /// - Returns: `false`, and nothing is changed, if the recharge may not be sent again.
    package mutating func sendAgain(at now: ClockReading) -> Bool {
        guard progress.state == .inDoubt || progress.state == .parked, progress.doubt == .unanswered || progress.doubt == .refused,
            progress.sentTo.map(policy.reaches) != false, recharge.expiresAt.map({ now.wallClock <= $0 }) != false
        else { return false }
        progress.state = .accepted
        progress.doubt = nil
        progress.evidence = .operator
        progress.resendings = next(progress.resendings)
        progress.failures = 0
        // The next sending is now the first that may have been executed.
        (progress.firstSentAt, progress.sentTo) = (nil, nil)
        progress.dueAt = now.wallClock
        progress.waitReason = nil
        return true
    }

    /// Makes a waiting recharge due at once. A parked recharge is in doubt again: the worker enquires and does not send. A held recharge
    /// will be sent.
    /// - Returns: `false`, and nothing is changed, if the recharge is final or may be on its way to BOS.
    package mutating func retry(at now: ClockReading) -> Bool {
        switch progress.state {
        case .accepted, .inDoubt: break
        case .parked: progress.state = .inDoubt
        case .held:
            progress.state = .accepted
            progress.reported = nil
        case .sending, .pending, .succeeded, .failed, .refused, .notFound, .expired, .answeredPending: return false
        }
        progress.dueAt = now.wallClock
        return true
    }
}
