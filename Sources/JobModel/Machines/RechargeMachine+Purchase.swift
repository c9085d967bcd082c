/// What becomes of a recharge whose subscriber, operator and amount came a moment ago under another reference. Raw values are those of
/// the setting `jobs.recharge.duplicateAction`.
package enum RepeatedPurchaseAction: String, Sendable, CaseIterable {
    /// It is over, and was never sent.
    case refuse
    /// It is held back until a person says whether it is meant.
    case park
}

extension RechargeMachine {
    /// Keeps a recharge that nobody has sent from being sent.
    /// - Parameter earlier: the reference of the recharge that it looks like.
    /// - Returns: what to tell its asker.
    package mutating func keepBack(repeating earlier: String, _ action: RepeatedPurchaseAction, at now: Moment) -> Verdict {
        progress = Progress()
        let finding = "the same subscriber, operator and amount came before as recharge \(earlier); this one was not sent"
        switch action {
        case .refuse:
            let verdict = Verdict(
                .refused, evidence: .none, code: .duplicatePurchase,
                detail: "\(finding): ask what became of that one before sending a new reference")
            close(with: verdict, at: now)
            return verdict
        case .park:
            progress.state = .held
            progress.told = Outcome.pending.rawValue
            // Then it is over, if nobody has decided by then.
            progress.dueAt = recharge.expiresAt.map { $0 + .milliseconds(1) }
            return Verdict(
                .pending, evidence: .none, code: .duplicatePurchase, detail: "\(finding) so far: a person decides whether it is meant")
        }
    }

    /// What is held back waits for a person, but not beyond its deadline.
    mutating func expireHeld(at now: Moment) -> Step {
        guard let deadline = recharge.expiresAt, now.civil > deadline else { return .nothing }
        progress.dueAt = nil
        return finish(
            Verdict(
                .expired, evidence: .none, code: .deadlinePassed,
                detail: "expires_at passed before a person had decided about it; it was never sent to BOS"),
            at: now)
    }
}
