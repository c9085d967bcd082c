/// When ledger-owned jobs are looked at again. Section `poller`.
package struct PollerSettings: Sendable {
    /// How often the poller looks for jobs that have come due.
    package var interval = Duration.seconds(1)
    /// Jobs of the ledger that wait in one queue at the same time; messages of others do not count.
    package var queueLimit = 1_000
    package var pan = PAN()

    package init() {}

    /// Checks of one PAN application: the interval grows from the first to the maximum.
    package struct PAN: Sendable {
        package var firstCheckAfter = Duration.seconds(15 * 60)
        package var maximumInterval = Duration.seconds(6 * 3600)
        /// An application still pending at this age is answered with `expired`.
        package var maximumAge = Duration.seconds(30 * 86_400)

        package init() {}
    }
}
