import AMQP
import Events
import JobModel
import Logging

/// Answers messages that do not become jobs, and stores those that cannot be read as dead letters for a person.
struct Refusals {
    let outbox: Outbox
    let exchanges: EngineConfiguration.Exchanges
    let drain: DrainSignal
    let clock: any EngineClock
    let metrics: EngineMetrics
    let logger: Logger

    /// Answers the message, and publishes a dead letter if the refusal needs one or the caller cannot be answered.
    /// - Parameter deadline: until when the delivery may be held, in the clock's uptime.
    /// - Returns: the settlement of the delivery.
    func refuse(
        _ delivery: Delivery, readAs incoming: IncomingJob, because refusal: JobRefusal, until deadline: Duration
    ) async -> Settlement {
        logger.log(
            .messageRefused,
            metadata: [
                "kind": "\(refusal.kind?.rawValue ?? "-")", "code": "\(refusal.code.rawValue)", "detail": "\(refusal.detail)",
                "reason": "\(refusal.deadLetter?.rawValue ?? "-")",
                "reference": "\(refusal.reference ?? "-")",
            ])
        let answer = await answer(incoming, with: refusal, until: deadline)
        guard answer != .unconfirmed else { return .requeue }
        // If the caller got no reply, the message is kept for a person.
        let isAnswered = answer == .confirmed
        guard let reason = refusal.deadLetter ?? (isAnswered ? nil : .invalidJob) else { return .ack }
        guard !delivery.isTruncated else {
            // The worker does not have the body. The broker has it, and moves the message unchanged to the same dead-letter exchange.
            metrics.deadLettered(reason)
            return .reject
        }
        let letter = Message(deadLetter: delivery, reason: reason, detail: refusal.detail, at: clock.now())
        let address = ReplyAddress(deadLetters: exchanges)
        switch await publish(letter, to: address, until: deadline) {
        case .unconfirmed, .nowhere: return .requeue
        case .confirmed:
            metrics.deadLettered(reason)
            return .ack
        case .impossible:
            // The headers are too large for one frame with the reason added, or the message's headers or the worker's permissions forbid the
            // publish. The broker can still move the message unchanged.
            metrics.deadLettered(reason)
            return .reject
        }
    }

    /// Publishes the refusal to the caller. `impossible` if there is no address, or a message cannot be published to it.
    private func answer(_ incoming: IncomingJob, with refusal: JobRefusal, until deadline: Duration) async -> Outbox.PublishResult {
        // A job that was put back on its queue has no caller. Also, "refused" would say that it was never sent, and only its own ledger knows that.
        guard !incoming.isResumption, let recipient = incoming.recipient(reference: refusal.reference) else { return .impossible }
        let reply = Reply(refusing: refusal, at: clock.now())
        let message = Message(
            reply: reply.body, kind: reply.kind, recipient: recipient, messageID: ReplyID.make(refusing: incoming, recipient: recipient))
        let address = ReplyAddress(replyTo: recipient.replyTo, kind: reply.kind, outcome: .refused, exchanges)
        let publication = await publish(message, to: address, until: deadline)
        if publication == .confirmed, let kind = refusal.kind {
            metrics.published(kind)
            metrics.jobAnswered(kind, outcome: .refused, amount: Money(paise: 0))
        }
        return publication
    }

    /// Publishes until the broker confirms it, as long as the delivery may be held. A message that is requeued at once would be delivered again at once.
    private func publish(_ message: Message, to address: ReplyAddress, until deadline: Duration) async -> Outbox.PublishResult {
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
    /// The original message with headers that say why it is a dead letter. Source of the headers: publishing.md#dead-letters.
    init(deadLetter delivery: Delivery, reason: DeadLetterReason, detail: String, at now: Timestamp) {
        var properties = delivery.message.properties
        properties.deliveryMode = .persistent
        // A dead letter waits for a person without a time limit.
        properties.expiration = nil
        // These headers would route the copy to other queues again.
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
