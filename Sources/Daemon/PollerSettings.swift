/// When ledger-owned jobs are looked at again. Section `poller`.
package struct PollerSettings: Sendable {
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
