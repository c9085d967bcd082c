package import JobModel

/// When something is tried or asked again. Section `retry`.
package struct RetrySettings: Sendable {
    /// How often one delivery may try a request that certainly was not sent.
    package var attempts = 5
    /// Backoff before the second attempt; it doubles up to the maximum, with full jitter.
    package var initialBackoff = Duration.milliseconds(200)
    package var maximumBackoff = Duration.seconds(30)
    /// A job of which nothing could be sent is given up after so many failures in a row, or at this age.
    package var maximumFailures = 10_000
    package var maximumAge = Duration.seconds(24 * 3600)
    package var enquiry = Enquiry()
    package var settle = Settle()
    /// A doubt older than this is parked for a person.
    package var doubtMaximumAge = Duration.seconds(24 * 3600)

    package init() {}

    /// Pauses between enquiries about one doubtful recharge.
    package struct Enquiry: Sendable {
        package var initialBackoff = Duration.milliseconds(500)
        package var maximumBackoff = Duration.seconds(300)

        package init() {}
    }

    /// How often and over which time "not found" must be heard, and what it means then.
    package struct Settle: Sendable {
        package var answers = 3
        package var window = Duration.seconds(120)
        package var notFound = RetryPolicy.Settle.NotFound.person
        /// For a recharge that BOS refused with a code that is not known to be final.
        package var refusalWindow = Duration.seconds(30)

        package init() {}
    }
}
