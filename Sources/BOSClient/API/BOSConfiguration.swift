package import Secrets

/// Everything about the BOS API that can differ between hosts, and every assumption about it.
///
/// "Known" means that the provider's public page says so, "assumed" that no page does; the defaults are those of bos-api.md#known-seen-assumed.
package struct BOSConfiguration: Sendable {
    /// Known. Without a slash at the end.
    package var baseURL = "https://api.bos.center/api/BOS"
    /// The header `User-Agent` of every call.
    package var userAgent = "bos-worker"
    /// From the start of a call to its last byte; a call may ask for less.
    package var requestTimeout: Duration = .seconds(30)
    /// To connect, TLS included, and also to wait for a free connection.
    package var connectTimeout: Duration = .seconds(5)
    /// Open connections at most. At least as many as calls at once, else calls wait for each other.
    package var maximumConnections = 128
    /// After this time without a call a connection is closed by us. A server that closes it just when a recharge leaves makes a doubt of a
    /// recharge that it never read. Common servers close after 5 seconds or more; under load no connection is idle for so long.
    package var idleTimeout: Duration = .seconds(2)
    /// Longer answers are unreadable.
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
        /// Known: with status true it was done.
        package var done = 1
        /// Assumed, from a provider of the same family: accepted, not finished.
        package var accepted = [0, 2]
        /// Assumed: a message with one of these phrases, at the start of a word, says "accepted, not finished" although the code says done.
        /// "processing" alone is not among them: a success may name a processing fee.
        package var pendingPatterns = [
            "pending", "under process", "in process", "in progress", "is processing", "being processed", "queued",
        ]
        /// Assumed: a message with one of these phrases, at the start of a word, contradicts status true and code done. It settles nothing by
        /// itself: the recharge is asked about.
        package var failingPatterns = [
            "fail", "unsuccessful", "not successful", "declined", "rejected", "reversed", "refunded", "could not", "unable to",
        ]
        /// Known: the reference was used before.
        package var duplicateReference = 11
        /// Known: 15 (signature) and 16 (authentication) say that our credentials were refused and nothing was executed.
        package var credentialsRefused = [15, 16]
        /// Assumed to be none: codes with status false that need no enquiry before the recharge is called failed.
        package var finalRefusals: [Int] = []
        /// None is known: codes with status false that mean "not taken, not now".
        package var postponed: [Int] = []
        /// Assumed: a message that contains one of these means the same, if BOS has refused the recharge (status false or HTTP 4xx) and no word says
        /// that it was taken.
        package var postponedPatterns = [
            "under maintenance", "temporarily unavailable", "service down", "insufficient balance", "insufficient api balance",
            "insufficient fund", "insufficient wallet",
        ]
        /// Seen in answers to enquiries for "unknown": it decides nothing, whatever the message says.
        package var askAgain = [12]

        package init() {}
    }

    /// `RechargesStatus`: its request's spelling and the words of its answers.
    package struct Enquiry: Sendable {
        /// Known in two spellings (also `RegistrationID`).
        package var registrationField = "registrationID"
        /// Known in two spellings (also `ReferenceId`).
        package var referenceField = "referenceid"
        /// Assumed: words of `data.status`, compared without regard to case.
        package var succeededWords = ["1", "success", "successful"]
        /// Assumed, as above.
        package var failedWords = ["0", "failed", "failure", "refunded"]
        /// Assumed, as above.
        package var pendingWords = ["2", "pending"]
        /// Assumed: values of `data.refunded` that say the money went back.
        package var refundedWords = ["1", "true", "yes", "refunded"]
        /// Assumed: values of `data.refunded` that say it did not. Any other word says nothing, and so does the answer.
        package var notRefundedWords = ["0", "false", "no"]
        /// Response codes that say, with status false and without `data`, that the recharge failed. None is known.
        package var failedCodes: [Int] = []
        /// Assumed: a message that contains one of these, with status false, says that the recharge failed. Without it and without one of
        /// the codes above it is not known whether BOS speaks of the recharge or of the question.
        package var failedPatterns = ["recharge failed", "recharge has failed"]
        /// Assumed: a message that contains one of these says that BOS does not know the reference.
        package var notFoundPatterns = ["no such transaction", "transaction not found", "no record found", "no data found"]

        package init() {}
    }

    /// `Status`: the merchant's constants and the messages that tell pending from done.
    package struct PAN: Sendable {
        /// Known fields, each sent unless job and configuration both leave it empty.
        package var nepKey: Secret?
        package var domain: String?
        package var partnerID: String?
        package var nepID: String?
        /// Known: an answer under process carries status true and code 1 like one that is done; only the message differs.
        /// Phrases, since a PAN that has been allotted can carry "under process" for its card; the first is known, the second assumed.
        package var pendingPatterns = ["application is under process", "application is in process"]
        /// Assumed. A text with phrases of two lists is pending.
        package var completedPatterns = [
            "has been allotted", "pan allotted", "has been dispatched", "has been despatched", "has been delivered",
            "application completed",
        ]
        /// Assumed.
        package var rejectedPatterns = ["rejected"]
        /// None is known: codes with status false that end an application.
        package var failedCodes: [Int] = []

        package init() {}
    }
}
