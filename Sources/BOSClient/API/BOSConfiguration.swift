package import Secrets

/// Everything about the BOS API that can differ between hosts, and every assumption about it.
///
/// "Known" means that the provider's public page says so. "Assumed" means that no page says so. Source of the defaults:
/// bos-api.md#known-seen-assumed.
package struct BOSConfiguration: Sendable {
    /// Known. Without a slash at the end.
    package var baseURL = "https://api.bos.center/api/BOS"
    /// The header `User-Agent` of every call.
    package var userAgent = "bos-worker"
    /// The longest time from the start of a call to the last byte of its answer. A call may set less.
    package var requestTimeout: Duration = .seconds(30)
    /// The longest time to connect, TLS included, and also to wait for a free connection.
    package var connectTimeout: Duration = .seconds(5)
    /// The most open connections. With fewer than there are concurrent calls, calls wait for each other.
    package var maximumConnections = 128
    /// The worker closes a connection after this time without a call. If the server closed it at the moment at which a recharge leaves, the
    /// recharge would be in doubt although the server never read it. Common servers close after 5 seconds or more. Under load no connection is
    /// idle for so long.
    package var idleTimeout: Duration = .seconds(2)
    /// A longer answer counts as unreadable.
    package var maximumAnswerBytes = 65_536

    package var endpoints = Endpoints()
    package var codes = ResponseCodes()
    package var enquiry = Enquiry()
    package var pan = PAN()
    package var credentials = Credentials.none

    package init() {}

    /// The last segments of the paths. Known.
    package struct Endpoints: Sendable {
        package var recharge = "DoRecharge"
        package var enquiry = "RechargesStatus"
        package var panStatus = "Status"

        package init() {}
    }

    /// What `response_code` means.
    package struct ResponseCodes: Sendable {
        /// Known: with status true the recharge is done.
        package var done = 1
        /// Assumed, after a provider of the same family: accepted, not finished.
        package var accepted = [0, 2]
        /// Assumed: a message with one of these phrases, at the start of a word, means "accepted, not finished" although the code means done.
        /// "processing" alone is not in the list, because a success may mention a processing fee.
        package var pendingPatterns = [
            "pending", "under process", "in process", "in progress", "is processing", "being processed", "queued",
        ]
        /// Assumed: a message with one of these phrases, at the start of a word, contradicts status true and code done. It decides nothing by
        /// itself: the worker enquires about the recharge.
        package var failingPatterns = [
            "fail", "unsuccessful", "not successful", "declined", "rejected", "reversed", "refunded", "could not", "unable to",
        ]
        /// Known: the reference was used before.
        package var duplicateReference = 11
        /// Known: with 15 (signature) and 16 (authentication) BOS refused the worker's credentials and executed nothing.
        package var credentialsRefused = [15, 16]
        /// Codes that, with status false, make a recharge failed without an enquiry. Assumed: there are none.
        package var finalRefusals: [Int] = []
        /// Codes that, with status false, mean "not accepted now". None is known.
        package var postponed: [Int] = []
        /// Assumed: a message that contains one of these means the same, if BOS refused the recharge (status false or HTTP 4xx) and no word says
        /// that BOS accepted it.
        package var postponedPatterns = [
            "under maintenance", "temporarily unavailable", "service down", "insufficient balance", "insufficient api balance",
            "insufficient fund", "insufficient wallet",
        ]
        /// Seen in answers to enquiries, where it means "unknown". It decides nothing, whatever the message says.
        package var askAgain = [12]

        package init() {}

        /// The lists that keys of the configuration set. The classifier, the check of the settings and `bosctl codes` read these rows. If a
        /// code is in two lists, the classifier asks for `.postponed` first, then for `.accepted`, then for `.finalRefusal`.
        package var lists: [List] {
            [
                List(key: "api.acceptedCodes", codes: accepted, meaning: .accepted),
                List(key: "api.finalCodes", codes: finalRefusals, meaning: .finalRefusal),
                List(key: "api.postponedCodes", codes: postponed, meaning: .postponed),
            ]
        }

        package struct List: Sendable {
            package let key: String
            package let codes: [Int]
            package let meaning: Meaning
        }

        /// What a code in a list means, unless the words or the other fields of the answer contradict it.
        package enum Meaning: Sendable {
            /// BOS accepted the recharge and has not finished it.
            case accepted
            /// BOS refused the recharge for good.
            case finalRefusal
            /// BOS did not accept the recharge, and the worker may send it later.
            case postponed
        }

        /// Whether a list with this meaning holds the code.
        func lists(_ code: Int?, as meaning: Meaning) -> Bool {
            guard let code else { return false }
            return lists.contains { $0.meaning == meaning && $0.codes.contains(code) }
        }
    }

    /// `RechargesStatus`: the field names of its request and the words of its answers.
    package struct Enquiry: Sendable {
        /// The field for the merchant. Known in two spellings (the other is `RegistrationID`).
        package var registrationField = "registrationID"
        /// The field for the reference. Known in two spellings (the other is `ReferenceId`).
        package var referenceField = "referenceid"
        /// Assumed: values of `data.status`, compared without letter case.
        package var succeededWords = ["1", "success", "successful"]
        /// Assumed, as above.
        package var failedWords = ["0", "failed", "failure", "refunded"]
        /// Assumed, as above.
        package var pendingWords = ["2", "pending"]
        /// Assumed: values of `data.refunded` that mean that the money was returned.
        package var refundedWords = ["1", "true", "yes", "refunded"]
        /// Assumed: values of `data.refunded` that mean that it was not. With any other value the whole answer decides nothing.
        package var notRefundedWords = ["0", "false", "no"]
        /// Response codes that, with status false and without `data`, mean that the recharge failed. None is known.
        package var failedCodes: [Int] = []
        /// Assumed: a message that contains one of these, with status false, means that the recharge failed. Without such a message and without
        /// one of the codes above it is unknown whether BOS means the recharge or the enquiry.
        package var failedPatterns = ["recharge failed", "recharge has failed"]
        /// Assumed: a message that contains one of these means that BOS does not know the reference.
        package var notFoundPatterns = ["no such transaction", "transaction not found", "no record found", "no data found"]

        package init() {}
    }

    /// `Status`: the merchant's constants, and the messages that distinguish pending from done.
    package struct PAN: Sendable {
        /// Known fields. Each one is sent, unless it is empty both in the job and here.
        package var nepKey: Secret?
        package var domain: String?
        package var partnerID: String?
        package var nepID: String?
        /// Known: an answer for "under process" has status true and code 1, like one for "done"; only the message differs. These are whole
        /// phrases, because an answer about an allotted PAN may say "under process" of its card. The first is known, the second assumed.
        package var pendingPatterns = ["application is under process", "application is in process"]
        /// Assumed. A message with phrases of two lists counts as pending.
        package var completedPatterns = [
            "has been allotted", "pan allotted", "has been dispatched", "has been despatched", "has been delivered",
            "application completed",
        ]
        /// Assumed: the application was rejected.
        package var rejectedPatterns = ["rejected"]
        /// Codes that, with status false, end an application. None is known.
        package var failedCodes: [Int] = []

        package init() {}
    }
}
