/// Who wants to know, and where: the part of a message that decides how its reply travels.
package struct Asker: Sendable, Hashable {
    /// The job's `correlation_id`, else its `message_id`, else its reference.
    package var correlationID: String
    /// The job's `reply_to`, if it had one.
    package var replyTo: String?
    /// W3C trace context, passed on to BOS and to the reply.
    package var traceparent: String?

    package init(correlationID: String, replyTo: String? = nil, traceparent: String? = nil) {
        self.correlationID = correlationID
        self.replyTo = replyTo
        self.traceparent = traceparent
    }
}

extension Asker {
    /// Whether both get the same replies. One who asks again from another trace is the same asker.
    package func isSame(as other: Asker) -> Bool { key.elementsEqual(other.key) }

    /// The order in which a job's askers are answered.
    package func precedes(_ other: Asker) -> Bool { key.lexicographicallyPrecedes(other.key) }

    /// Text as databases compare it, byte by byte; Swift takes two spellings of one character for the same.
    private var key: some Sequence<UInt8> {
        [correlationID, replyTo ?? ""].lazy.map { Array($0.utf8) }.joined(separator: CollectionOfOne(0))
    }
}
