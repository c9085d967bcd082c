/// When the worker tries again, and what counts as proof. Durations are real time; the defaults are those of configuration.md#keys.
package struct RetryPolicy: Sendable {
    /// Exponential backoff with full jitter: a random fraction of `initial * 2^(failures - 1)`, where the product is capped at `maximum`.
    package struct Backoff: Sendable {
        package var initial: Duration
        package var maximum: Duration

        package init(initial: Duration, maximum: Duration) {
            self.initial = initial
            self.maximum = maximum
        }

        /// - Parameters:
        ///   - failures: the number of failures so far, from 1.
        ///   - jitter: a random number from 0 up to, not including, 1.
        func delay(failures: Int, jitter: Double) -> Duration {
            let growth = Double(1 << (failures > 1 ? min(failures - 1, 30) : 0))
            return min(maximum, initial * growth) * jitter
        }
    }

    /// When repeated "not found" answers are proof. These are the settings `retry.settle.*`.
    package struct NotFoundPolicy: Sendable {
        /// What "not found" over the whole window proves. Raw values are those of the setting `retry.settle.notFound`.
        package enum Meaning: String, Sendable, CaseIterable {
            /// Nothing: an operator decides.
            case person
            /// That nothing was executed. The owner has BOS's assurance of that.
            case believe
        }

        /// The least number of "not found" answers in a row, and the least time from the first to the last.
        package var answers = 3
        package var window = Duration.seconds(120)
        package var meaning = Meaning.person
        /// The same two limits for a recharge that BOS refused with a code that is not known to be final.
        package var refusalAnswers = 2
        package var refusalWindow = Duration.seconds(30)

        package init() {}
    }

    /// When PAN applications are checked: the interval doubles from check to check, up to the maximum.
    package struct PANSchedule: Sendable {
        package var firstCheckAfter = Duration.seconds(15 * 60)
        package var maximumInterval = Duration.seconds(6 * 3_600)
        /// An application that is older than this and still pending ends with `expired`.
        package var maximumAge = Duration.seconds(30 * 86_400)

        package init() {}
    }

    /// How often one delivery tries while nothing can be sent. After that the job waits in the ledger.
    package var attempts = 5
    /// The worker gives a job up if nothing of it was sent and it has this many failures in a row, or is older than `maximumAge`.
    package var maximumFailures = 10_000
    package var maximumAge = Duration.seconds(86_400)
    /// A doubt that is older than this, counted from the first sending, is parked for an operator.
    package var doubtMaximumAge = Duration.seconds(86_400)
    /// Between attempts while no request was taken.
    package var send = Backoff(initial: .milliseconds(200), maximum: .seconds(30))
    /// Between enquiries about one recharge in doubt.
    package var enquiry = Backoff(initial: .milliseconds(500), maximum: .seconds(300))
    package var notFound = NotFoundPolicy()
    package var pan = PANSchedule()
    /// Where the worker sends recharges now: API and account, as readable text without a secret.
    package var destination = ""
    /// Former names of the same destination, as the owner configured them (`api.formerly`).
    package var formerDestinations: [String] = []
    /// A job fails once BOS has refused its own credentials this many times while it accepted those of others.
    package var maximumCredentialRefusals = 5
    package var refusedCredentials = Backoff(initial: .seconds(30), maximum: .seconds(600))
    /// Between attempts while BOS takes no recharges at all ("not now").
    package var postponed = Backoff(initial: .seconds(5), maximum: .seconds(300))
    /// How often the worker sends one recharge again after proof that the earlier sending was not executed.
    package var maximumResendings = 2

    package init() {}

    /// Whether the API and account that the worker calls now know about requests to that destination.
    package func reaches(_ destination: String) -> Bool { destination == self.destination || formerDestinations.contains(destination) }
}
