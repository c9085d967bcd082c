/// A message from a job queue before anybody has looked into it.
package struct IncomingJob: Sendable {
    package var body: [UInt8]
    /// The size that the broker announced, in bytes; `body` may have been cut off.
    package var announcedSize: UInt64
    package var type: String?
    package var routingKey: String
    /// The properties `content_type` and `content_encoding`.
    package var contentType: String?
    package var contentEncoding: String?
    /// Whose queue it came from; `nil` if that is not known.
    package var lane: JobLane?
    package var correlationID: String?
    package var messageID: String?
    package var replyTo: String?
    package var traceparent: String?
    /// The ledger itself has put it back on its queue.
    package var isResumption: Bool
    /// When the job was due as it was put back; `nil` if it had no due time, or is no resumption.
    package var dueAt: Timestamp?
    /// Names of the properties whose text is no UTF-8.
    package var unreadableProperties: Set<String>

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

    /// The address of replies to this message; `nil` if it carries none and no reference could be read either.
    package func asker(reference: String?) -> Asker? {
        let names = [correlationID, messageID, reference].lazy.compactMap { $0 }.filter { !$0.isEmpty }
        let address = replyTo.flatMap { $0.isEmpty ? nil : $0 }
        guard let name = names.first ?? (address == nil ? nil : "") else { return nil }
        return Asker(correlationID: name, replyTo: address, traceparent: traceparent)
    }
}
