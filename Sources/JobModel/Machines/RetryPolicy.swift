/// When to try again, and what to believe. Durations are real time; defaults as in configuration.md#keys.
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
        /// What "not found" over the whole window means. Raw values are those of the setting `retry.settle.notFound`.
        package enum NotFound: String, Sendable, CaseIterable {
            /// It proves nothing: a person decides.
            case person
            /// It proves that nothing was executed. The owner has that from BOS.
            case believe
        }

        /// How often "not found" must be heard, and over which time at least.
        package var answers = 3
        package var window = Duration.seconds(120)
        package var notFound = NotFound.person
        /// For a recharge that BOS has refused with a code that is not known to be final.
        package var refusalAnswers = 2
        package var refusalWindow = Duration.seconds(30)

        package init() {}
    }

    /// How PAN applications are followed: the interval between checks grows from the first to the maximum.
    package struct PANSchedule: Sendable {
        package var firstCheckAfter = Duration.seconds(15 * 60)
        package var maximumInterval = Duration.seconds(6 * 3_600)
        /// An application still pending at this age is answered with `expired`.
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
    /// Between tries of a request that certainly was not sent.
    package var send = Backoff(initial: .milliseconds(200), maximum: .seconds(30))
    /// Between enquiries about one doubtful recharge.
    package var enquiry = Backoff(initial: .milliseconds(500), maximum: .seconds(300))
    package var settle = Settle()
    package var pan = PANSchedule()
    /// Where recharges go now: API and account, readable and without a secret.
    package var destination = ""
    /// Former names of that destination, by the owner's word (`api.formerly`).
    package var formerDestinations: [String] = []
    /// A job whose own credentials BOS has refused so often, while it took those of others, is over.
    package var maximumCredentialRefusals = 5
    package var refusedCredentials = Backoff(initial: .seconds(30), maximum: .seconds(600))
    /// While BOS takes no recharge at all ("not now").
    package var postponed = Backoff(initial: .seconds(5), maximum: .seconds(300))
    /// How often one recharge is sent again after a doubt was settled with "not executed".
    package var maximumResendings = 2

    package init() {}

    /// Whether a request that went to that destination is known to the API and account that are asked now.
    package func reaches(_ destination: String) -> Bool { destination == self.destination || formerDestinations.contains(destination) }
}
