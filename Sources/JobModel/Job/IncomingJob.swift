/// A message from a job queue before it is decoded.
package struct IncomingJob: Sendable {
    package var body: [UInt8]
    /// The size of the body in bytes, as the broker announced it. `body` may be cut off.
    package var announcedSize: UInt64
    package var type: String?
    package var routingKey: String
    /// The properties `content_type` and `content_encoding`.
    package var contentType: String?
    package var contentEncoding: String?
    /// The lane whose queue the message came from; `nil` if that is not known.
    package var lane: JobLane?
    package var correlationID: String?
    package var messageID: String?
    package var replyTo: String?
    package var traceparent: String?
    /// Whether the poller has requeued the job from the ledger.
    package var isResumption: Bool
    /// The due time of a requeued job; `nil` if it had none, or if the message is no requeued job.
    package var dueAt: Timestamp?
    /// The names of the properties whose text is not UTF-8.
    package var unreadableProperties: Set<String>

    /// - Parameter announcedSize: `nil`: the size of `body`.
    package init(
        body: [UInt8], announcedSize: UInt64? = nil, type: String? = nil, routingKey: String = "",
        contentType: String? = nil, contentEncoding: String? = nil, lane: JobLane? = nil, correlationID: String? = nil,
        messageID: String? = nil, replyTo: String? = nil, traceparent: String? = nil, isResumption: Bool = false,
        unreadableProperties: Set<String> = []
    ) {
        self.body = body
        self.announcedSize = announcedSize ?? UInt64(body.count)
        self.type = type
        self.routingKey = routingKey
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.lane = lane
        self.correlationID = correlationID
        self.messageID = messageID
        self.replyTo = replyTo
        self.traceparent = traceparent
        self.isResumption = isResumption
        self.unreadableProperties = unreadableProperties
    }

    /// Where replies to this message go, and under which id.
    /// - Parameter reference: of the job, as far as it could be read.
    /// - Returns: `nil` if the message says nothing about it, and there is no reference either.
    package func recipient(reference: String?) -> ReplyRecipient? {
        let names = [correlationID, messageID, reference].lazy.compactMap { $0 }.filter { !$0.isEmpty }
        let address = replyTo.flatMap { $0.isEmpty ? nil : $0 }
        guard let name = names.first ?? (address == nil ? nil : "") else { return nil }
        return ReplyRecipient(correlationID: name, replyTo: address, traceparent: traceparent)
    }
}
