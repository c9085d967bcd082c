/// Mistakes that the checkers must find: each breaks one rule of the design, outside the code that keeps it.
package enum PlantedBug: String, Sendable, CaseIterable {
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
}
