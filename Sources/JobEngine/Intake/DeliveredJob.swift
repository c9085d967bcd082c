import AMQP
import JobModel

/// A job as a delivery has brought it.
struct DeliveredJob {
    let job: Job
    let fingerprint: [UInt8]
    /// Where the reply goes; `nil` if the ledger has put the job back on its queue.
    let asker: Asker?
    let messageID: String?
    let isRedelivered: Bool
    /// When the job was due as the ledger put it back.
    let dueAt: Timestamp?
    let place: DeliveryPlace

    init(_ job: Job, fingerprint: [UInt8], incoming: IncomingJob, isRedelivered: Bool, place: DeliveryPlace) {
        self.job = job
        self.fingerprint = fingerprint
        // A message without a correlation id is answered under its job's reference.
        asker = incoming.isResumption ? nil : incoming.asker(reference: job.reference) ?? Asker(correlationID: job.reference)
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
    /// Until when, in the clock's uptime, the delivery may be held.
    let deadline: Duration
}

extension IncomingJob {
    /// Set on a job that the poller has put back on its queue: it has no asker of its own, and only a ledger that knows it takes it up. The
    /// value is the job's due time in milliseconds since 1970, if it had one.
    package static let resumptionHeader = "x-bos-resume"

    /// - Parameter lane: whose queue the delivery came from.
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
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.map(\.count) == [2, 32, 16, 2] else { return false }
        let isHexadecimal = parts.joined().allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
        }
        return isHexadecimal && !text.hasPrefix("ff")
    }
}
