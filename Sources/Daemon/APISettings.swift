package import JobEngine

/// The BOS HTTP API. Section `api`; every assumption of `bos-api.md` that a key can replace is named as one.
package struct APISettings: Sendable {
    package var baseURL = "https://api.bos.center/api/BOS"
    /// Whether `http://` to another machine is allowed: it carries the token and subscriber numbers in the clear.
    package var allowPlainHTTP = false
    /// The merchant's `RegisterID`, for jobs that bring none.
    package var registerID: String?
    /// From the start of one request to the end of its answer.
    package var requestTimeout = Duration.seconds(30)
    package var connectTimeout = Duration.seconds(5)
    /// Calls of all kinds per second at the most; `nil`: as many as there are.
    package var ratePerSecond: Int?
    package var paths = Paths()
    /// Response codes that mean "taken, not finished". Assumed.
    package var acceptedCodes = [0, 2]
    /// A message with one of these phrases, at the start of a word, means the same although the code says done; compared without case. Assumed.
    package var pendingPatterns = ["pending", "under process", "in process", "in progress", "is processing", "being processed", "queued"]
    /// A message with one of these phrases, at the start of a word, contradicts a success; compared without case. Assumed.
    package var failingPatterns = [
        "fail", "unsuccessful", "not successful", "declined", "rejected", "reversed", "refunded", "could not", "unable to",
    ]
    /// Response codes with `status` false that are final without an enquiry. None by default: enquire once before calling it failed.
    package var finalCodes: [Int] = []
    /// Response codes with `status` false that mean "not taken, not now". None is known.
    package var postponedCodes: [Int] = []
    /// A message with one of these means the same in an answer that refuses and has no word of being taken; compared without case. Assumed.
    package var postponedPatterns = [
        "under maintenance", "temporarily unavailable", "service down", "insufficient balance", "insufficient api balance",
        "insufficient fund", "insufficient wallet",
    ]
    package var enquiry = Enquiry()
    /// Earlier names of the same API and account, as the worker spells them when it leaves doubts to a person because of a move.
    package var formerly: [String] = []

    package init() {}

    /// Last path segments of the three calls; the same API is sold under other names.
    package struct Paths: Sendable {
        package var recharge = "DoRecharge"
        package var enquiry = "RechargesStatus"
        package var panStatus = "Status"

        package init() {}
    }

    /// How an enquiry is spelled and its answer understood.
    package struct Enquiry: Sendable {
        /// Name of the merchant's id in the request; samples also spell it `RegistrationID`.
        package var registerIDField = "registrationID"
        /// Name of the reference in the request; samples also spell it `ReferenceId`.
        package var referenceField = "referenceid"
        /// The name under which a recharge is asked for.
        package var by = EngineConfiguration.EnquiryName.reference
        /// Values of `data.status` for each verdict, compared without case. Assumed.
        package var succeededWords = ["1", "success", "successful"]
        package var failedWords = ["0", "failed", "failure", "refunded"]
        package var pendingWords = ["2", "pending"]
        /// Values of `data.refunded` that say the money went back, compared without case. Assumed.
        package var refundedWords = ["1", "true", "yes", "refunded"]
        /// Values of `data.refunded` that say it did not, compared without case. Assumed.
        package var notRefundedWords = ["0", "false", "no"]
        /// What says, with status false and without `data`, that the recharge failed: response codes, none of which is known, and parts of a
        /// message, compared without case (assumed).
        package var failedCodes: [Int] = []
        package var failedPatterns = ["recharge failed", "recharge has failed"]
        /// A message that contains one of these means that BOS does not know the reference; compared without case. Assumed.
        package var notFoundPatterns = ["no such transaction", "transaction not found", "no record found", "no data found"]

        package init() {}
    }
}
