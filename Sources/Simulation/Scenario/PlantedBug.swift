/// Mistakes that the checkers must find: each breaks one rule of the design, outside the code that keeps it.
package enum PlantedBug: String, Sendable, CaseIterable {
    // MARK: What is stored, and when

    /// The broker forgets a message as soon as it has handed it over.
    case ackBeforeCommit = "ack-before-commit"
    /// A request that timed out is sent once more.
    case resendOnTimeout = "resend-on-timeout"
    /// The first "not found" is taken for proof that nothing was executed.
    case notFoundBelieved = "not-found-believed"
    /// A reply is published before the verdict behind it is stored.
    case replyBeforeVerdict = "reply-before-verdict"
    /// What a poller has leased is never due again.
    case leaseNeverExpires = "lease-never-expires"
    /// The intent to send is not stored, so that after a crash the recharge looks as if it had never been sent.
    case intentNotStored = "intent-not-stored"
    /// A message counts as published although the broker has not confirmed it.
    case confirmNotAwaited = "confirm-not-awaited"
    /// A time-out is reported as a request that was never sent.
    case timeoutIsNotSent = "timeout-is-not-sent"
    /// The same purchase under a new reference is taken for a new one, although it is watched for.
    case purchaseUnguarded = "purchase-unguarded"
    /// What is settled is not acked, so that the broker holds it for ever.
    case neverAcked = "never-acked"
    /// A question that is delivered once more is taken for another one.
    case messageForgotten = "message-forgotten"
    /// A paisa is lost between the message and the ledger.
    case paisaLost = "paisa-lost"

    // MARK: What an answer speaks of

    /// An enquiry's answer is taken for one about the recharge that was asked about, whatever it names.
    case identityNotCompared = "identity-not-compared"
    /// The answer to another call is taken for this one's.
    case foreignAnswerBelieved = "foreign-answer-believed"
    /// "Not found" counts although the enquiry was never seen to find anything.
    case blindEnquiryBelieved = "blind-enquiry-believed"
    /// "Found" counts although the enquiry finds everything: it was never asked about what does not exist.
    case credulousEnquiryBelieved = "credulous-enquiry-believed"
    /// An answer that names no recharge is taken for one about the recharge that was asked about.
    case namelessAnswerBelieved = "nameless-answer-believed"
    /// The API that is called now is asked about what was sent to another one.
    case destinationIgnored = "destination-ignored"
    /// The code with which BOS refused the recharge, heard from the enquiry once more, is taken for the recharge's end.
    case refusalEchoBelieved = "refusal-echo-believed"
    /// One "not found" right after a refusal is taken for the recharge's end.
    case refusalSettledAtOnce = "refusal-settled-at-once"
    /// Code 11 on the first sending is taken for a repeat of this recharge.
    case duplicateBelieved = "duplicate-on-first-sending-believed"
    /// "Question answered", with nothing in it, is taken for "recharge done".
    case emptyDataBelieved = "empty-data-believed"
    /// `data` counts, whatever the code beside it says.
    case contradictionBelieved = "contradiction-believed"
    /// "Not found" is taken for proof although the owner does not have that from BOS.
    case ownerNotAsked = "owner-not-asked"
    /// A text about a PAN application that is not known is taken for "completed".
    case panUnknownWordCompleted = "pan-unknown-word-completed"
    /// Any refusal of a question about a PAN application ends it.
    case panRefusalIsFinal = "pan-refusal-is-final"

    // MARK: What a reply may say, and what one bad item may stop

    /// BOS's "not found" is told of a recharge that this ledger has not finished.
    case statusAboutUnfinished = "status-not-found-about-unfinished"
    /// A reply that was routed to no queue counts as published.
    case unroutedConfirmed = "unrouted-confirmed"
    /// A reply that the broker turns down ends the publishing of all others.
    case poisonedReplyStopsAll = "poisoned-reply-stops-all"
    /// The refusal of one job's credentials is taken for that of all.
    case oneRefusalStopsAll = "one-refusal-stops-all"
    /// What was put back on a queue is never due again, whatever becomes of the queue.
    case requeuedNeverDue = "requeued-never-due"
    /// "Not now" is taken for "no".
    case postponedIsRefused = "postponed-is-refused"
    /// What waits until a moment of a clock that was set back waits until that clock is there again.
    case clockBackFreezes = "clock-back-freezes"
}
