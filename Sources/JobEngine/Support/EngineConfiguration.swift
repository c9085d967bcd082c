import BOSClient
package import JobModel

/// Keeps an upstream from making the same purchase twice, because it has made up a new reference after its own time-out.
package struct PurchaseGuard: Sendable {
    /// For how long after its acceptance, and after its end, a purchase blocks the same purchase under another reference. While it has not
    /// ended it blocks whatever its age.
    package var window: Duration
    package var action: RepeatedPurchaseAction

    /// - Parameter action: what becomes of the later purchase.
    package init(window: Duration, action: RepeatedPurchaseAction) {
        self.window = window
        self.action = action
    }
}

/// The configuration of the engine. Defaults as in configuration.md#keys.
package struct EngineConfiguration: Sendable {
    package var rules = JobRules()
    package var policy = RetryPolicy()
    /// The longest time that a delivery is held. A job that needs more time waits in the ledger or goes back to its queue.
    package var deliveryTimeout = Duration.seconds(60)
    /// The longest time that one call to BOS may take.
    package var requestTimeout = BOSConfiguration().requestTimeout
    /// A job that must wait longer than this waits in the ledger, and its delivery is acked.
    package var longestWait = Duration.seconds(5)
    package var exchanges = Exchanges()
    /// Which name of a recharge enquiries use.
    package var enquiresBy = EnquiryName.reference
    /// `nil`: the same purchase under a new reference is a new purchase.
    package var purchaseGuard: PurchaseGuard?

    /// How long a delivery waits for the confirm of its reply. A stored reply stays owed after that, so the delivery need not be held while
    /// a broker that is short of memory takes no message.
    var confirmTimeout: Duration { min(.seconds(10), deliveryTimeout / 4) }

    /// The name of a recharge in an enquiry. Raw values are those of the setting `api.enquiry.by`.
    package enum EnquiryName: String, Sendable, CaseIterable {
        case reference = "referenceid"
        /// BOS's own number, if its answer to `DoRecharge` gave one; else the reference.
        case bosReference = "refid"

        /// The kind of name that an enquiry about a recharge uses.
        /// - Parameter bosReference: BOS's own number of the recharge, if it is known.
        func kind(_ bosReference: String?) -> Self { bosReference == nil ? .reference : self }

        /// The kinds of name that enquiries of this configuration may use, and under which this recharge can be found.
        func kinds(_ bosReference: String?) -> [Self] { kind(bosReference) == .reference ? [.reference] : [.bosReference, .reference] }

        /// The name of a recharge that an enquiry uses.
        package func name(_ reference: String, bosReference: String?) -> String {
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
