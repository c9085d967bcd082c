import AMQP
import Events
import JobModel
import Logging

/// Answers messages that do not become jobs, and keeps those that were not understood for a person.
struct Refusals {
    let outbox: Outbox
    let exchanges: EngineConfiguration.Exchanges
    let drain: DrainSignal
    let clock: any EngineClock
    let metrics: EngineMetrics
    let logger: Logger

    /// - Parameter deadline: in the clock's uptime, until when the delivery may be held.
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
        // Where no caller is told, a person can look at it.
        let isTold = answer == .confirmed
        guard let reason = refusal.deadLetter ?? (isTold ? nil : .invalidJob) else { return .ack }
        guard !delivery.isTruncated else {
            // We never had its body; the broker has, and moves it to the same dead-letter exchange untouched.
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
            // With the reason it is too large for one frame of headers, or its headers or the worker's rights do not allow to publish it. The broker can
            // move it as it is.
            metrics.deadLettered(reason)
            return .reject
        }
    }

    /// Tells the caller. `impossible` if there is no address to tell it to, or the address cannot be written to.
    private func answer(_ incoming: IncomingJob, with refusal: JobRefusal, until deadline: Duration) async -> Outbox.PublishResult {
        // No caller asks in a job that was put back on its queue, and "refused" would say that it was never sent: only its own ledger knows.
        guard !incoming.isResumption, let asker = incoming.asker(reference: refusal.reference) else { return .impossible }
        let reply = Reply(refusing: refusal, at: clock.now())
        let message = Message(
            reply: reply.body, kind: reply.kind, asker: asker, messageID: ReplyID.make(refusing: incoming, asker: asker))
        let address = ReplyAddress(replyTo: asker.replyTo, kind: reply.kind, outcome: .refused, exchanges)
        let publication = await publish(message, to: address, until: deadline)
        if publication == .confirmed, let kind = refusal.kind {
            metrics.published(kind)
            metrics.jobAnswered(kind, outcome: .refused, amount: Money(paise: 0))
        }
        return publication
    }

    /// Publishes until the broker confirms it, as long as the delivery may be held: a message put back at once would come back at once.
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
    /// The original, and why it is here. Source of the headers: publishing.md#dead-letters.
    init(deadLetter delivery: Delivery, reason: DeadLetterReason, detail: String, at now: Timestamp) {
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
