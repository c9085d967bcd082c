import ArgumentParser
import Daemon
import JobEngine
import JobModel
import Ledger
import LedgerSQLite

/// `bosctl reply REF --again`: it publishes a stored reply once more.
struct ReplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reply",
        abstract: "Publishes the stored reply of a job once more, and says whether the broker had a queue for it.",
        discussion: """
            Each recipient of the job gets its final reply again, or its last one if none is final, with the same content and message_id. \
            The job does not change, and nothing is sent to BOS. The worker may be running.

            Exit codes: 0 the broker has routed all replies to a queue; 1 the job has no reply, or no queue is bound for one of them; 75 the \
            broker did not confirm them.
            """)

    @Argument(help: ArgumentHelp("The job's reference: referenceid or refid.", valueName: "reference")) var reference: String
    @Flag(help: "Publish it again. Without a publication, `bosctl job` shows what is known.") var again = false
    @OptionGroup var reason: ReasonOption
    @OptionGroup var kind: KindOption
    @OptionGroup var options: ConfigurationOptions

    func validate() throws {
        guard again else { throw ValidationError("add --again to publish the stored reply once more") }
    }

    func run() async throws {
        try await options.withLedger { access, settings, console in
            try await access.writing { ledger in
                let jobs = try await kind.jobs(reference, in: ledger, path: access.path).map(\.record)
                guard !jobs.contains(where: { $0.job.mentionsSubscriber(reason.reason) }) else { throw CommandFailure.numberInReason }
                var replies: [ReplyRecord] = []
                for job in jobs { replies += Self.last(of: try await ledger.replies(toJob: job.id)) }
                guard !replies.isEmpty else { throw CommandFailure.noReply(reference: reference) }
                for job in jobs {
                    console.row("\(job.job.kind.rawValue) \(reference.printable): \(job.progress.state.humanDescription).")
                }
                console.row("These replies are published again now, with the same message_id:")
                for reply in replies { console.row("  \(Self.description(of: reply, settings: settings))") }
                try await ledger.recording("reply --again", about: reference, because: reason.reason) {
                    let delivery = ReplyDelivery(settings: settings, console: console)
                    let receipts = try await delivery.publishAgain(replies.map(\.reply), from: ledger)
                    return try conclude(replies, receipts: receipts, settings: settings, console: console)
                }
            }
        }
    }

    /// The last final reply to each recipient, or the last one if none is final.
    static func last(of replies: [ReplyRecord]) -> [ReplyRecord] {
        var last: [ReplyRecord] = []
        for reply in replies {
            guard let index = last.firstIndex(where: { $0.reply.recipient.isSame(as: reply.reply.recipient) }) else {
                last.append(reply)
                continue
            }
            if reply.reply.isFinal || !last[index].reply.isFinal { last[index] = reply }
        }
        return last
    }

    private static func description(of record: ReplyRecord, settings: Settings) -> String {
        let reply = record.reply
        let address = ReplyAddress(of: reply, exchanges: settings.engineConfiguration.exchanges)
        let exchange = address.exchange.isEmpty ? "the default exchange" : address.exchange
        let place = address.isDirect ? "its caller's own channel" : "\(address.routingKey) on \(exchange)"
        let state = [reply.outcome.rawValue, reply.isFinal ? "final" : "not final"] + (record.isOwed ? ["not confirmed so far"] : [])
        return "\(state.joined(separator: ", ")), to \(place), correlation_id \(reply.recipient.correlationID)".printable
    }

    /// Shows what became of each reply.
    /// - Returns: the result for the operations log.
    private func conclude(
        _ replies: [ReplyRecord], receipts: [ReplyDelivery.Receipt], settings: Settings, console: Console
    ) throws -> String {
        for (reply, receipt) in zip(replies, receipts) { console.row("\(reply.reply.messageID)  \(receipt)") }
        let unconfirmed = receipts.compactMap { if case .unconfirmed(let reason) = $0 { reason } else { nil } }
        if let reason = unconfirmed.first {
            throw CommandFailure.notPublishedAgain(reference: reference, count: unconfirmed.count, reason: reason)
        }
        let lost = receipts.filter { $0 != .routed }
        guard lost.isEmpty else {
            throw CommandFailure.unroutable(
                reference: reference, count: lost.count, kept: lost.count { $0 == .unroutable(isKept: true) },
                queue: settings.topology.queues.unrouted)
        }
        return "replies published again: \(receipts.count), all routed and confirmed"
    }
}

extension ReplyDelivery.Receipt: CustomStringConvertible {
    var description: String {
        switch self {
        case .routed: "routed to a queue and confirmed by the broker"
        case .unroutable(isKept: true): "confirmed, but no queue is bound for it: it is among the unrouted replies"
        case .unroutable(isKept: false): "no queue is bound for it, or its caller no longer listens"
        case .unconfirmed(let reason): "not confirmed: \(reason)"
        }
    }
}
