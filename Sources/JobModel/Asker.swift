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
