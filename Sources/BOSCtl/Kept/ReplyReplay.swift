import AMQP
import Daemon
import ExactJSON
import JobEngine
import JobModel

/// Publishes unrouted replies again.
///
/// The exchange of replies has an alternate exchange, so the broker confirms a reply that reaches no queue: it puts the reply into the queue of
/// unrouted replies again. Each copy carries a mark. The copies that come back are removed, and their originals stay. After the copies a last
/// message is put at the queue's end: what has not come before it has reached a queue.
struct ReplyReplay {
    /// Names the reply; `nil` for all.
    let id: String?
    let limit: Int
    let settings: Settings
    /// The ledger's name. Its replies are published only in its own virtual host.
    let identity: String
    let console: Console

    /// Why a reply stays in its queue.
    struct Problem: Sendable {
        let text: String
        /// The same command may work later.
        let isTemporary: Bool
    }

    struct Result: Sendable {
        let entry: UnroutedEntry
        /// `nil` if the reply reached a queue and was removed.
        var problem: Problem?
    }

    /// Marks the copies of one command.
    private static let markHeader = "x-bos-replay"

    var queue: String { settings.topology.unroutedQueue }

    var plan: String {
        let replies = settings.topology.exchanges.replies
        let what = id.map { "the reply \($0.printable)" } ?? "each reply"
        return "\(what) of \(queue) is published to \(replies) with its own routing key, and removed if it reaches a queue"
    }

    func run() async throws -> [Result] {
        let items = settings.topology.replyItems(ledger: identity)
        return try await KeptQueue.with(queue, publishing: items, settings: settings, console: console) { queue in
            var chosen: [HeldMessage] = []
            try await queue.read { held in
                guard id.map(held.kept.isNamed) ?? true else { return true }
                held.isClaimed = true
                chosen.append(held)
                return chosen.count < limit
            }
            if let id, chosen.isEmpty { throw KeptFailure.unknown(id, queue: queue.name) }
            var problems: [Problem?] = []
            for (index, held) in chosen.enumerated() { problems.append(await publish(held.kept, marked: mark(index), through: queue)) }
            let returned = problems.contains { $0 == nil } ? try await takeReturned(from: queue) : []
            var results: [Result] = []
            for (index, held) in chosen.enumerated() {
                let problem = problems[index] ?? (returned.contains(mark(index)) ? missingBinding(held.kept) : nil)
                if problem == nil { held.ack() } else { await queue.giveBack(held) }
                results.append(Result(entry: UnroutedEntry(held.kept), problem: problem))
            }
            return results
        }
    }

    private func mark(_ index: Int) -> String { "\(OperatorIdentity.commandID)#\(index)" }

    /// Removes the copies that have come back into the queue, and returns their marks. A confirmed copy is in the queue already if it came back,
    /// so it comes before the last message.
    private func takeReturned(from queue: KeptQueue) async throws -> Set<String> {
        var last = Message(body: [])
        last.properties.headers[Self.markHeader] = .string(mark(-1))
        // If this command is killed, the broker drops the message by itself.
        last.properties.expiration = "60000"
        do throws(PublishError) {
            try await queue.publishing.publish(
                last, exchange: "", routingKey: queue.name, mandatory: true, timeout: KeptQueue.confirmTimeout)
        } catch { throw KeptFailure.broker(queue.name, "\(error)") }
        var marks: Set<String> = []
        try await queue.readOn { held in
            guard let mark = held.kept.header(Self.markHeader), mark.hasPrefix("\(OperatorIdentity.commandID)#") else { return false }
            marks.insert(mark)
            held.ack()
            return mark == self.mark(-1)
        }
        return marks
    }

    private func missingBinding(_ reply: KeptMessage) -> Problem {
        let exchange = settings.topology.exchanges.replies
        return Problem(
            text: "no queue is bound to \(exchange) with the routing key \(reply.routingKey.printable): its service has to bind one",
            isTemporary: false)
    }

    private func publish(_ reply: KeptMessage, marked mark: String, through queue: KeptQueue) async -> Problem? {
        guard !reply.routingKey.hasPrefix(DirectReplyTo.prefix) else {
            return Problem(text: "its caller waited for a direct reply and is gone: it can publish its job again", isTemporary: false)
        }
        guard !reply.isTruncated else { return Problem(text: "it is too large to be a reply of the worker", isTemporary: false) }
        // Queues with a name from the broker are bound to the default exchange only.
        let exchange = reply.routingKey.hasPrefix("amq.") ? "" : settings.topology.exchanges.replies
        do throws(PublishError) {
            try await queue.publishing.publish(
                reply.repeated(mark: (Self.markHeader, mark)), exchange: exchange, routingKey: reply.routingKey, mandatory: true,
                timeout: KeptQueue.confirmTimeout)
            return nil
        } catch {
            switch error {
            case .returned where exchange.isEmpty:
                return Problem(text: "the queue \(reply.routingKey.printable) does not exist any more", isTemporary: false)
            case .returned: return missingBinding(reply)
            case .invalid, .turnedDown: return Problem(text: "\(error)", isTemporary: false)
            case .notSent, .notAsked, .refused, .outcomeUnknown: return Problem(text: "\(error)", isTemporary: true)
            }
        }
    }
}

extension KeptMessage {
    /// The reply as the worker has published it, with the mark.
    fileprivate func repeated(mark: (name: String, value: String)) -> Message {
        var copy = replayed
        copy.properties.headers[mark.name] = .string(mark.value)
        return copy
    }
}

/// One unrouted reply as operators see it.
struct UnroutedEntry: Sendable {
    let kept: KeptMessage
    private let reply: JSONValue?

    init(_ kept: KeptMessage) {
        self.kept = kept
        reply = try? JSONValue.parse(kept.message.body)
    }

    private func text(_ name: String) -> String { (reply?[name]?.text ?? "-").printable }

    var reference: String { text("reference") }
    var completedAt: Timestamp? { reply?["completed_at"]?.text.flatMap(Timestamp.init(rfc3339:)) }
    var acceptedAt: Timestamp? { reply?["accepted_at"]?.text.flatMap(Timestamp.init(rfc3339:)) }

    func cells(at now: Timestamp) -> [String] {
        let age = (completedAt ?? acceptedAt).map { TimeText.span(now - $0) } ?? "-"
        return [
            kept.id, age, text("kind").shortened(to: 15), reference.shortened(to: 20), text("outcome").shortened(to: 9),
            kept.routingKey.shortened(to: 16), kept.replays == 0 ? "-" : "\(kept.replays)",
        ]
    }

    var json: [JSONValue.Member] {
        [
            .init("id", .string(kept.id)), .init("kind", reply?["kind"] ?? .null), .init("reference", .string(reference)),
            .init("outcome", reply?["outcome"] ?? .null), .init("final", reply?["final"] ?? .null),
            .init("completed_at", completedAt.map { .string($0.rfc3339) } ?? .null),
            .init("routing_key", .string(kept.routingKey.printable)),
            .init("correlation_id", kept.message.properties.correlationID.map { .string($0.printable) } ?? .null),
            .init("message_id", kept.message.properties.messageID.map { .string($0.printable) } ?? .null),
            .init("replays", .number(String(kept.replays))),
        ]
    }
}

/// The unrouted replies as a table, the oldest first.
struct UnroutedList: Report {
    private let entries: [UnroutedEntry]
    private let total: Int
    private let queue: String
    private let now: Timestamp

    /// - Parameter total: how many replies lie in the queue.
    init(_ entries: [UnroutedEntry], of total: Int, queue: String, now: Timestamp) {
        self.entries = entries.sorted { ($0.completedAt ?? now, $0.kept.id) < ($1.completedAt ?? now, $1.kept.id) }
        self.total = total
        self.queue = queue
        self.now = now
    }

    var lines: [String] {
        guard !entries.isEmpty else { return ["No reply lies in \(queue)."] }
        var table = TextTable(["id", "age", "kind", "reference", "outcome", "routing key", "tries"])
        for entry in entries { table.add(entry.cells(at: now)) }
        let shown = entries.count < total ? ", \(entries.count) of them shown (--limit)" : ""
        return table.lines + ["\(total) in \(queue)\(shown)"]
    }

    var json: [JSONValue] { entries.map { .object($0.json) } }
}

/// What became of the replies of one command.
struct ReplyReplayReport: Report {
    let results: [ReplyReplay.Result]

    var lines: [String] {
        guard !results.isEmpty else { return ["there is no reply to publish again"] }
        return results.flatMap { result in
            let name = "reply \(result.entry.kept.id) about \(result.entry.reference)"
            return "\(name) \(result.problem.map { "stays: \($0.text)" } ?? "has reached its queue and is removed")".wrapped(to: 100)
        }
    }

    var json: [JSONValue] {
        results.map { result in
            .object(
                result.entry.json + [
                    .init("replayed", .bool(result.problem == nil)), .init("detail", result.problem.map { .string($0.text) } ?? .null),
                ])
        }
    }
}
