/// What BOS's answer to an enquiry means for the word of a person who is about to settle a doubt.
package enum Corroboration: Sendable, Equatable {
    /// BOS says the same.
    case confirmed
    /// BOS says nothing that decides it: the person alone answers for it.
    case open
    /// BOS says the opposite.
    case contradicted

    /// One "not found" decides nothing: only several over the settle window would, and those the worker hears by itself. A recharge that
    /// BOS still works on may be executed at any moment, so that "failed" would be wrong of it.
    /// - Parameter succeeded: what the person says.
    package init(of succeeded: Bool, by finding: RechargeMachine.Finding) {
        self =
            switch finding {
            case .succeeded: succeeded ? .confirmed : .contradicted
            case .failed: succeeded ? .contradicted : .confirmed
            case .pending: succeeded ? .open : .contradicted
            case .notFound, .declined: .open
            }
    }
}
