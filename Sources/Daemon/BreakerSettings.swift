/// When BOS is left alone. Section `breaker`.
package struct BreakerSettings: Sendable {
    /// Over which time calls are counted.
    package var window = Duration.seconds(10)
    /// Below so many calls in the window nothing is concluded.
    package var minimumCalls = 10
    /// In percent: from this share of failures on nothing is sent any more.
    package var failurePercent = 50
    /// Until the first probe; doubles with each one that fails.
    package var probeInterval = Duration.seconds(5)
    package var maximumProbeInterval = Duration.seconds(60)
    package var refusals = Refusals()

    package init() {}

    /// When nearly all recharges are refused with one and the same code.
    package struct Refusals: Sendable {
        /// In percent: from this share of the last calls on one recharge at a time is tried; 0 turns it off.
        package var percent = 90
        /// The last calls that are looked at.
        package var minimumCalls = 20
        /// From one try to the next.
        package var interval = Duration.seconds(10)

        package init() {}
    }
}
