/// When to try again, and what to believe. Durations are real time; defaults as in contract.md where it fixes them.
package struct RetryPolicy: Sendable {
    /// Exponential backoff with full jitter: a random part of `initial * 2^failures`, at most `maximum`.
    package struct Backoff: Sendable {
        package var initial: Duration
        package var maximum: Duration

        package init(initial: Duration, maximum: Duration) {
            self.initial = initial
            self.maximum = maximum
        }

        /// - Parameters:
        ///   - failures: how many came before, from 1 on.
        ///   - jitter: a random number from 0 up to, not including, 1.
        func delay(failures: Int, jitter: Double) -> Duration {
            let growth = Double(1 << (failures > 1 ? min(failures - 1, 30) : 0))
            return min(maximum, initial * growth) * jitter
        }
    }

    /// When "not found" is believed.
    package struct Settle: Sendable {
        package var answers = 3
        package var window = Duration.seconds(120)

        package init() {}
    }

    /// How PAN applications are followed.
    package struct PANSchedule: Sendable {
        package var firstCheckAfter = Duration.seconds(15 * 60)
        package var maximumInterval = Duration.seconds(6 * 3_600)
        package var maximumAge = Duration.seconds(30 * 86_400)

        package init() {}
    }

    /// How often one delivery tries while nothing is sent, before its job waits in the ledger.
    package var attempts = 5
    /// A job of which nothing was sent is given up after so many failures in a row, or at this age.
    package var maximumFailures = 10_000
    package var maximumAge = Duration.seconds(86_400)
    /// A doubt of this age, counted from its first sending, is left to a person.
    package var doubtMaximumAge = Duration.seconds(86_400)
    package var send = Backoff(initial: .milliseconds(200), maximum: .seconds(30))
    package var enquiry = Backoff(initial: .milliseconds(500), maximum: .seconds(300))
    package var settle = Settle()
    package var pan = PANSchedule()
    /// How often one recharge is sent again after a doubt was settled with "not executed".
    package var maximumResendings = 2

    package init() {}
}
