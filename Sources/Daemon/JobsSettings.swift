package import JobModel

/// How many jobs run at once and what they may cost. Section `jobs`.
package struct JobsSettings: Sendable {
    /// Recharges in flight; also the prefetch of their queue.
    package var rechargeConcurrency = 64
    /// Status questions in flight; also the prefetch of their queue.
    package var statusConcurrency = 32
    /// Below this the jobs in flight in each queue are not reduced when BOS is slow or asks for less.
    package var minimumConcurrency = 4
    /// No delivery is held longer; what needs more waits in the ledger.
    package var timeout = Duration.seconds(60)
    /// Paise. A recharge of more is refused. No page of the provider states a limit, so this default is an assumption.
    package var maximumAmount: Int64 = 10_000_00
    /// The same purchase under a new reference within this time is kept back; `nil`: it is a new purchase.
    package var duplicateWindow: Duration?
    /// How it is kept back.
    package var duplicateAction = RepeatedPurchaseAction.refuse

    package init() {}
}
