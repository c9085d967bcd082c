import AMQP
import JobModel
import Logging

extension JobHandler {
    /// A message that does not become a job: kept for a person if it was not understood, answered if there is an address.
    /// - Parameter deadline: in the clock's uptime, until when the delivery may be held.
    func refuse(
        _ incoming: IncomingJob, _ delivery: Delivery, _ refusal: JobRefusal, until deadline: Duration
    ) async -> Settlement {
        logger.notice(
            "a message is refused",
            metadata: [
                "code": "\(refusal.code.rawValue)", "detail": "\(refusal.detail)", "reason": "\(refusal.deadLetter?.rawValue ?? "-")",
                "reference": "\(refusal.reference ?? "-")",
            ])
        let answer = await answer(incoming, refusal, until: deadline)
        guard answer != .unconfirmed else { return .requeue }
        // Where no caller is told, a person can look at it.
        let isTold = answer == .confirmed
        guard let reason = refusal.deadLetter ?? (isTold ? nil : .invalidJob) else { return .ack }
        guard !delivery.isTruncated else {
            // We never had its body; the broker has, and moves it to the same dead-letter exchange untouched.
            metrics.deadLettered(reason)
            return .reject
        }
        let letter = Message(deadLetter: delivery, reason, detail: refusal.detail, at: clock.now())
        let address = ReplyAddress(deadLetters: configuration.exchanges)
        switch await publish(letter, to: address, until: deadline) {
        case .unconfirmed, .nowhere: return .requeue
        case .confirmed:
            metrics.deadLettered(reason)
            return .ack
        case .impossible:
            // With the reason it is too large for one frame of headers, or its headers or the worker's rights do not allow to publish it. The broker can
            // move it as it is.
            metrics.deadLettered(reason)
            return .reject
        }
    }

    /// Tells the caller. `impossible` if there is no address to tell it to, or the address cannot be written to.
    private func answer(_ incoming: IncomingJob, _ refusal: JobRefusal, until deadline: Duration) async -> Outbox.Publication {
        // No caller asks in a job that was put back on its queue, and "refused" would say that it was never sent: only its own ledger knows.
        guard !incoming.isResumption, let asker = incoming.asker(reference: refusal.reference) else { return .impossible }
        let reply = Reply(refusing: refusal, at: clock.now())
        let message = Message(
            reply: reply.body, kind: reply.kind, asker: asker, messageID: ReplyID.make(refusing: incoming, asker: asker))
        let address = ReplyAddress(replyTo: asker.replyTo, kind: reply.kind, outcome: .refused, configuration.exchanges)
        let publication = await publish(message, to: address, until: deadline)
        if publication == .confirmed, let kind = refusal.kind {
            metrics.published(kind)
            metrics.told(kind, .refused, Money(paise: 0))
        }
        return publication
    }

    /// Publishes until the broker confirms it, as long as the delivery may be held: a message put back at once would come back at once.
    private func publish(_ message: Message, to address: ReplyAddress, until deadline: Duration) async -> Outbox.Publication {
        while true {
            let publication = await outbox.publish(message, to: address)
            guard publication == .unconfirmed || publication == .nowhere, !drain.isDraining, !Task.isCancelled,
                clock.uptime() + .seconds(1) < deadline
            else {
                return publication
            }
            await drain.sleep(for: .seconds(1), on: clock)
        }
    }
}

extension ReplyAddress {
    init(deadLetters exchanges: EngineConfiguration.Exchanges) {
        (exchange, routingKey) = (exchanges.dead, "")
    }
}

extension Message {
    /// The original, and why it is here. Source of the headers: publishing.md#dead-letters.
    init(deadLetter delivery: Delivery, _ reason: DeadLetterReason, detail: String, at now: Timestamp) {
        var properties = delivery.message.properties
        properties.deliveryMode = .persistent
        // A dead letter waits for a person, however long.
        properties.expiration = nil
        // Headers that would route it to more queues once more.
        properties.headers["CC"] = nil
        properties.headers["BCC"] = nil
        properties.headers["x-bos-reason"] = .string(reason.rawValue)
        properties.headers["x-bos-detail"] = .string(detail)
        properties.headers["x-bos-original-exchange"] = .string(delivery.exchange)
        properties.headers["x-bos-original-routing-key"] = .string(delivery.routingKey)
        properties.headers["x-bos-failed-at"] = .string(now.rfc3339)
        if !properties.unreadable.isEmpty {
            properties.headers["x-bos-unreadable"] = .table(properties.unreadable.mapValues { .bytes($0) })
        }
        self.init(body: delivery.message.body, properties: properties)
    }
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

extension IncomingJob {
    /// The job as a ledger has written it. No rule is applied again: what was acceptable once goes on under any configuration.
    func resumed() throws(JobRefusal) -> (Job, fingerprint: [UInt8]) {
        guard let kind = type.flatMap(JobKind.init), let job = Job(kind: kind, body: body) else {
            throw JobRefusal(
                deadLetter: .undecodable, code: .invalidJob,
                detail:
                    "the header \(Self.resumptionHeader) is for jobs that bos-poller has put back on their queue; a new job does without it",
                kind: type.flatMap(JobKind.init), reference: nil)
        }
        return (job, job.fingerprint)
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
