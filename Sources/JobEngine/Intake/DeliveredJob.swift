import AMQP
import JobModel

/// A job with the facts of its delivery.
struct DeliveredJob {
    let job: Job
    let fingerprint: [UInt8]
    /// Where the reply goes. `nil` if the poller put the job back on its queue.
    let recipient: ReplyRecipient?
    let messageID: String?
    let isRedelivered: Bool
    /// When the job was due, if the poller put it back on its queue.
    let dueAt: Timestamp?
    let place: DeliveryPlace

    init(_ job: Job, fingerprint: [UInt8], incoming: IncomingJob, isRedelivered: Bool, place: DeliveryPlace) {
        self.job = job
        self.fingerprint = fingerprint
        // The reply to a message without a correlation id carries the job's reference instead.
        recipient =
            incoming.isResumption ? nil : incoming.recipient(reference: job.reference) ?? ReplyRecipient(correlationID: job.reference)
        messageID = incoming.messageID.flatMap { $0.isEmpty ? nil : $0 }
        self.isRedelivered = isRedelivered
        dueAt = incoming.dueAt
        self.place = place
    }
}

/// What a delivery occupies while it is worked on.
struct DeliveryPlace {
    let lane: Lane
    let slot: Slot
    let admission: ConsumptionGate.Admission
    /// Until when the delivery may be held, in the clock's uptime.
    let deadline: Duration
}

extension IncomingJob {
    /// The header of a job that the poller put back on its queue. Such a message has no recipient of its own, and only a ledger that knows the job
    /// accepts it. The value is the job's due time in milliseconds since 1970, if it had one.
    package static let resumptionHeader = "x-bos-resume"

    /// - Parameter lane: the lane of the queue that the delivery came from.
    init(_ delivery: Delivery, lane: JobLane) {
        let properties = delivery.message.properties
        var traceparent: String?
        if case .string(let text) = properties.headers["traceparent"], TraceContext.isValid(text) { traceparent = text }
        let resumption = properties.headers[Self.resumptionHeader]
        self.init(
            body: delivery.message.body, announcedSize: delivery.announcedSize, type: properties.type,
            routingKey: delivery.routingKey, contentType: properties.contentType, contentEncoding: properties.contentEncoding, lane: lane,
            correlationID: properties.correlationID, messageID: properties.messageID,
            replyTo: properties.replyTo, traceparent: traceparent,
            isResumption: resumption != nil, unreadableProperties: Set(properties.unreadable.keys))
        if case .string(let text) = resumption { dueAt = Int64(text).map(Timestamp.init(milliseconds:)) }
    }
}

/// W3C Trace Context, level 1, section 3.2: `version-traceid-parentid-flags` in lower-case hexadecimal.
enum TraceContext {
    static func isValid(_ text: String) -> Bool {
        guard text.utf8.count == 55, !text.hasPrefix("ff") else { return false }
        return text.utf8.enumerated().allSatisfy { place, byte in
            switch place {
            case 2, 35, 52: byte == UInt8(ascii: "-")
            default: (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
            }
        }
    }
}
