import BOSClient
package import JobModel

/// Keeps the same purchase from being made twice under two references: what an upstream asks for when it makes up a new reference after its
/// own time-out.
package struct PurchaseGuard: Sendable {
    /// How long ago the earlier one may have been accepted or have ended; while it is not over it stands in the way whatever its age.
    package var window: Duration
    package var action: RepeatedPurchaseAction

    package init(window: Duration, action: RepeatedPurchaseAction) {
        self.window = window
        self.action = action
    }
}

/// What the engine has to know. Defaults as in configuration.md#keys.
package struct EngineConfiguration: Sendable {
    package var rules = JobRules()
    package var policy = RetryPolicy()
    /// A delivery is never held longer; what needs more time waits in the ledger or goes back to its queue.
    package var deliveryTimeout = Duration.seconds(60)
    /// How long one call to BOS may take.
    package var requestTimeout = BOSConfiguration().requestTimeout
    /// What waits for longer than this waits in the ledger, its delivery acked.
    package var longestWait = Duration.seconds(5)
    package var exchanges = Exchanges()
    /// The name under which enquiries ask for a recharge.
    package var enquiresBy = EnquiryName.reference
    /// `nil`: the same purchase under a new reference is a new purchase.
    package var purchaseGuard: PurchaseGuard?

    /// How long a delivery waits for the confirm of its reply. A reply that is stored stays owed after it, so the delivery need not
    /// be held while a broker that is short of memory takes nothing.
    var confirmTimeout: Duration { min(.seconds(10), deliveryTimeout / 4) }

    /// The name of a recharge in an enquiry. Raw values are those of the setting `api.enquiry.by`.
    package enum EnquiryName: String, Sendable, CaseIterable {
        case reference = "referenceid"
        /// BOS's own number, where its answer to `DoRecharge` gave one.
        case bosReference = "refid"

        /// The kind of name that a recharge is asked for by.
        func kind(_ bosReference: String?) -> Self { bosReference == nil ? .reference : self }

        /// The kinds of name that doubts of this configuration may be asked for by, and this recharge can be.
        func kinds(_ bosReference: String?) -> [Self] { kind(bosReference) == .reference ? [.reference] : [.bosReference, .reference] }

        package func name(_ reference: String, _ bosReference: String?) -> String {
            switch self {
            case .reference: reference
            case .bosReference: bosReference ?? reference
            }
        }
    }

    /// Where jobs, replies and dead letters go. Source: publishing.md#topology.
    package struct Exchanges: Sendable {
        package var jobs = "bos.jobs"
        package var replies = "bos.replies"
        package var unrouted = "bos.unrouted"
        package var dead = "bos.dead"

        package init() {}
    }

    package init() {}
}
