/// Bugs that the checks must find. Each breaks one rule of the design, from outside the code that keeps the rule.
package enum PlantedBug: String, Sendable, CaseIterable {
    // MARK: Storing, sending and publishing

    /// The broker forgets a message as soon as it has delivered it.
    case ackBeforeCommit = "ack-before-commit"
    /// The worker sends a request again after a time-out.
    case resendOnTimeout = "resend-on-timeout"
    /// The worker believes the first "not found".
    case notFoundBelieved = "not-found-believed"
    /// The worker publishes a reply before it stores the verdict.
    case replyBeforeVerdict = "reply-before-verdict"
    /// A job that a poller has leased is never due again.
    case leaseNeverExpires = "lease-never-expires"
    /// The worker does not store its intent to send. After a crash the recharge looks as if it was never sent.
    case intentNotStored = "intent-not-stored"
    /// A message counts as published before the broker has confirmed it.
    case confirmNotAwaited = "confirm-not-awaited"
    /// A time-out counts as a request that was never sent.
    case timeoutIsNotSent = "timeout-is-not-sent"
    /// The guard against repeated purchases does not look for earlier ones.
    case purchaseUnguarded = "purchase-unguarded"
    /// The broker never receives an ack, and holds each delivery for ever.
    case neverAcked = "never-acked"
    /// The worker takes the redelivery of a query for a new query.
    case messageForgotten = "message-forgotten"
    /// The ledger stores one paisa less than the message says.
    case paisaLost = "paisa-lost"
    /// The worker does not read which lanes an operator holds.
    case holdIgnored = "hold-ignored"

    // MARK: Reading BOS's answers

    /// An enquiry's answer counts even if it names another recharge.
    case identityNotCompared = "identity-not-compared"
    /// The answer to another call counts as the answer to this one.
    case foreignAnswerBelieved = "foreign-answer-believed"
    /// "Not found" counts although no enquiry has ever found a recharge.
    case blindEnquiryBelieved = "blind-enquiry-believed"
    /// "Found" counts although the enquiry also finds recharges that do not exist.
    case credulousEnquiryBelieved = "credulous-enquiry-believed"
    /// An enquiry's answer counts although it names no recharge.
    case namelessAnswerBelieved = "nameless-answer-believed"
    /// The worker asks the present API about a recharge that it sent to another one.
    case destinationIgnored = "destination-ignored"
    /// An enquiry that repeats the code of the refusal counts as proof that the recharge failed.
    case refusalEchoBelieved = "refusal-echo-believed"
    /// One "not found" right after a refusal counts as proof that the recharge failed.
    case refusalSettledAtOnce = "refusal-settled-at-once"
    /// Code 11 at the first sending counts as a repeat of this recharge.
    case duplicateBelieved = "duplicate-on-first-sending-believed"
    /// An enquiry that was answered with empty `data` counts as "recharge executed".
    case emptyDataBelieved = "empty-data-believed"
    /// `data` counts although the outer code contradicts it.
    case contradictionBelieved = "contradiction-believed"
    /// "Not found" counts as proof although BOS has not promised that it is one.
    case ownerNotAsked = "owner-not-asked"
    /// An unknown text about a PAN application counts as "completed".
    case panUnknownWordCompleted = "pan-unknown-word-completed"
    /// Any refusal of a PAN status query ends the job.
    case panRefusalIsFinal = "pan-refusal-is-final"

    // MARK: Replies, and faults that must stay isolated

    /// The worker replies "not found" about a recharge that is unfinished in this ledger.
    case statusAboutUnfinished = "status-not-found-about-unfinished"
    /// An unroutable reply counts as published.
    case unroutedConfirmed = "unrouted-confirmed"
    /// After the broker has denied one reply, the worker publishes no other one.
    case poisonedReplyStopsAll = "poisoned-reply-stops-all"
    /// The refusal of one job's credentials counts for all jobs.
    case oneRefusalStopsAll = "one-refusal-stops-all"
    /// A requeued job is never due again, even if its queue is lost.
    case requeuedNeverDue = "requeued-never-due"
    /// A postponement by BOS counts as a refusal.
    case postponedIsRefused = "postponed-is-refused"
    /// After a clock was set back, a waiting job waits until the clock shows its due time.
    case clockBackFreezes = "clock-back-freezes"
}
