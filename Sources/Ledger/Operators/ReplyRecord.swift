/// A reply as the ledger has stored it.
///
/// The ledger knows no more of its way than ``isOwed``: not when the broker has confirmed it, nor whether the broker had a queue for its address or
/// the outbox has published it to the exchange that keeps unrouted replies.
package struct ReplyRecord: Sendable, Equatable {
    /// Its place among the job's replies, from 1. The replies to several recipients share it.
    package var number: Int
    package var reply: OutgoingReply
    /// Whether the broker has still to confirm it. A reply that its recipient has asked for again is owed again.
    package var isOwed: Bool

    package init(number: Int, _ reply: OutgoingReply, isOwed: Bool) {
        self.number = number
        self.reply = reply
        self.isOwed = isOwed
    }
}
