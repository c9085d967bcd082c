/// What happens to a recharge that has the same subscriber, mobile operator and amount as a recent one under another reference. Raw values
/// are those of the setting `jobs.recharge.duplicateAction`.
package enum RepeatedPurchaseAction: String, Sendable, CaseIterable {
    /// The recharge is refused and never sent.
    case refuse
    /// The recharge is held until an operator decides whether the repeat is intended.
    case park
}

extension RechargeMachine {
    /// Keeps a recharge that was never sent from being sent, because it repeats an earlier purchase.
    /// - Parameters:
    ///   - earlier: the reference of the recharge that it repeats.
    ///   - action: whether the recharge is refused, or held for an operator.
    /// - Returns: the verdict for the recipient.
    package mutating func holdOrRefuse(repeating earlier: String, action: RepeatedPurchaseAction, at now: ClockReading) -> Verdict {
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
            progress.reported = Outcome.pending.rawValue
            // The recharge expires then, unless an operator has decided before.
            progress.dueAt = recharge.expiresAt.map { $0 + .milliseconds(1) }
            return Verdict(
                .pending, evidence: .none, code: .duplicatePurchase, detail: "\(finding) so far: a person decides whether it is intended")
        }
    }

    /// Ends a held recharge whose deadline has passed.
    mutating func expireHeld(at now: ClockReading) -> Step {
        guard let deadline = recharge.expiresAt, now.wallClock > deadline else { return .nothing }
        progress.dueAt = nil
        return finish(
            Verdict(
                .expired, evidence: .none, code: .deadlinePassed,
                detail: "expires_at passed before a person decided about it; it was never sent to BOS"),
            at: now)
    }
}
