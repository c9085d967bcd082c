/// The recipient of a job, as far as a reply needs it: under which id and to which address the reply goes.
package struct ReplyRecipient: Sendable, Hashable {
    /// The job's `correlation_id`, else its `message_id`, else its reference.
    package var correlationID: String
    /// The job's `reply_to`, if it had one.
    package var replyTo: String?
    /// W3C trace context, which calls to BOS and the reply carry on.
    package var traceparent: String?

    package init(correlationID: String, replyTo: String? = nil, traceparent: String? = nil) {
        self.correlationID = correlationID
        self.replyTo = replyTo
        self.traceparent = traceparent
    }
}

extension ReplyRecipient {
    /// Whether both are the same recipient. The trace does not count: a recipient may ask again from another trace.
    package func isSame(as other: ReplyRecipient) -> Bool { key.elementsEqual(other.key) }

    /// The order in which a job's recipients are answered.
    package func precedes(_ other: ReplyRecipient) -> Bool { key.lexicographicallyPrecedes(other.key) }

    /// Compared byte by byte, as databases compare text. Swift would take two encodings of one character for equal.
    private var key: some Sequence<UInt8> {
        [correlationID, replyTo ?? ""].lazy.map { Array($0.utf8) }.joined(separator: CollectionOfOne(0))
    }
}
