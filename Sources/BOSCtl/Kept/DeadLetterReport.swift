import AMQP
import ExactJSON
import JobModel
import Ledger

/// One dead letter as operators see it. Subscriber numbers are masked.
struct DeadLetterEntry: Sendable {
    let id: String
    let failedAt: Timestamp?
    let kind: JobKind?
    /// In printable form.
    let reference: String?
    let cause: DeadLetterCause
    let replays: Int
    let check: ReplayCheck

    init(_ letter: KeptMessage, check: ReplayCheck) {
        id = letter.id
        failedAt = letter.failedAt
        kind = check.kind
        reference = check.reference.map { check.job?.withoutSubscriber($0) ?? $0.printable }
        cause = letter.cause
        replays = letter.replays
        self.check = check
    }

    var json: [JSONValue.Member] {
        [
            .init("id", .string(id)), .init("failed_at", failedAt.map { .string($0.rfc3339) } ?? .null),
            .init("kind", kind.map { .string($0.rawValue) } ?? .null), .init("reference", reference.map { .string($0) } ?? .null),
            .init("amount", check.job.flatMap { $0.kind == .recharge ? .string($0.amount.rupees) : nil } ?? .null),
            .init("reason", .string(cause.label)), .init("why", .string(cause.humanDescription)),
            .init("replays", .number(String(replays))), .init("may_be_replayed", .bool(check.obstacle == nil)),
            .init("asks_bos_first", .bool(check.obstacle == nil && check.asksBOS)), .init("replay", .string(check.humanDescription)),
            .init("ledger", check.record.map { .string($0.progress.state.rawValue) } ?? .null),
        ]
    }
}

/// The dead letters as a table, the oldest first.
struct DeadLetterList: Report {
    private let entries: [DeadLetterEntry]
    private let total: Int
    private let queue: String
    private let now: Timestamp

    /// - Parameter total: how many letters lie in the queue.
    init(_ entries: [DeadLetterEntry], of total: Int, queue: String, now: Timestamp) {
        self.entries = entries.sorted { ($0.failedAt ?? now, $0.id) < ($1.failedAt ?? now, $1.id) }
        self.total = total
        self.queue = queue
        self.now = now
    }

    var lines: [String] {
        guard !entries.isEmpty else { return ["No message lies in \(queue)."] }
        var table = TextTable(["id", "age", "kind", "reference", "reason", "tries", "replay"])
        for entry in entries {
            table.add([
                entry.id, entry.failedAt.map { TimeText.span(now - $0) } ?? "-", entry.kind?.rawValue ?? "-",
                (entry.reference ?? "-").shortened(to: 20), entry.cause.label, entry.replays == 0 ? "-" : "\(entry.replays)",
                entry.check.label,
            ])
        }
        let shown = entries.count < total ? ", \(entries.count) of them shown (--limit)" : ""
        return table.lines + ["\(total) in \(queue)\(shown); bosctl dead show ID says more"]
    }

    var json: [JSONValue] { entries.map { .object($0.json) } }
}

/// One dead letter with everything that is known of it.
struct DeadLetterReport: Report {
    let letter: KeptMessage
    let check: ReplayCheck
    let now: Timestamp

    private var entry: DeadLetterEntry { DeadLetterEntry(letter, check: check) }

    var lines: [String] {
        let facts = [
            ("what", what), ("why", letter.cause.humanDescription), ("detail", letter.detail.map(SubscriberMask.text)),
            ("failed", letter.failedAt.map { "\($0.rfc3339), \(TimeText.span(now - $0)) ago" }), ("came by", route),
            ("sent by", letter.sender), ("answer to", letter.addressee), ("size", "\(letter.size) bytes"), ("handled", handled),
            ("ledger", check.ledgerDescription), ("replay", check.humanDescription),
        ]
        return ["letter \(letter.id) in \(letter.queue)"]
            + facts.flatMap { name, text in text.map { Self.fact(name, is: $0) } ?? [] } + letter.contentLines
    }

    private static func fact(_ name: String, is text: String) -> [String] {
        text.printable.wrapped(to: 86).enumerated().map { "  \(($0 == 0 ? name : "").padded(to: 12))\($1)" }
    }

    private var what: String {
        guard case .recharge(let recharge)? = check.job else {
            let name = check.kind?.rawValue ?? "no kind of job can be told"
            return "\(name), \(entry.reference.map { "reference \($0)" } ?? "no reference can be read")"
        }
        return "recharge \(entry.reference ?? "") of \(recharge.amount.rupees) rupees to \(masked(recharge.subscriber)), "
            + "operator \(recharge.operatorID)"
    }

    private var route: String? {
        letter.origin.map { origin in
            "exchange \(origin.exchange.isEmpty ? "(default)" : origin.exchange), routing key \(SubscriberMask.text(origin.routingKey))"
        }
    }

    private var handled: String {
        "replayed \(letter.replays) times; looked at or handed out \(letter.deliveryCount) times since it was put here"
    }

    var json: [JSONValue] {
        let detail: [JSONValue.Member] = [
            .init("detail", letter.detail.map { .string(SubscriberMask.text($0)) } ?? .null),
            .init("original_exchange", letter.origin.map { .string($0.exchange.printable) } ?? .null),
            .init("original_routing_key", letter.origin.map { .string(SubscriberMask.text($0.routingKey)) } ?? .null),
            .init("deliveries", .number(String(letter.deliveryCount))), .init("ledger_says", .string(check.ledgerDescription)),
        ]
        return [.object(entry.json + detail + letter.contentJSON)]
    }
}

// MARK: - What every kept message has

extension KeptMessage {
    /// Who published it, as far as the message says.
    var sender: String? {
        let names = [("user", user), ("application", message.properties.appID)]
        let known = names.compactMap { name, value in value.map { "\(name) \(SubscriberMask.text($0))" } }
        return known.isEmpty ? "the message does not say" : known.joined(separator: ", ")
    }

    var addressee: String? {
        let properties = message.properties
        let names = [
            ("reply_to", properties.replyTo), ("correlation_id", properties.correlationID), ("message_id", properties.messageID),
        ]
        let known = names.compactMap { name, value in value.map { "\(name) \(shownName($0))" } }
        return known.isEmpty ? nil : known.joined(separator: ", ")
    }

    /// A name of the message, in which a subscriber's number of its body is masked. Else the name is shown whole: an operator needs it.
    private func shownName(_ name: String) -> String {
        guard let json = try? JSONValue.parse(message.body, skipsMark: true), let number = json["canumber"]?.text, number.count >= 5 else {
            return name.printable
        }
        return name.contains(number) ? SubscriberMask.text(name) : name.printable
    }

    /// Headers and body, masked. A long body is cut.
    var contentLines: [String] {
        let headers = SubscriberMask.members(message.properties.headers).map { member in
            "\(member.name.printable): \(String(decoding: member.value.encoded, as: UTF8.self).printable.shortened(to: 400))"
        }
        var lines = headers.isEmpty ? [] : ["  headers"] + headers.flatMap { $0.wrapped(to: 96) }.map { "    \($0)" }
        guard !isTruncated else { return lines + ["  body", "    too large to be shown"] }
        let body = SubscriberMask.body(message.body)
        lines += ["  body"] + String(body.prefix(Self.shownBody)).wrapped(to: 96).map { "    \($0)" }
        if body.count > Self.shownBody { lines.append("    … \(body.count - Self.shownBody) more characters (--json shows them)") }
        return lines
    }

    private static let shownBody = 2_000

    var contentJSON: [JSONValue.Member] {
        let properties = message.properties
        func text(_ text: String?) -> JSONValue { text.map { .string(shownName($0)) } ?? .null }
        return [
            .init("user_id", text(user)), .init("app_id", text(properties.appID)), .init("reply_to", text(properties.replyTo)),
            .init("correlation_id", text(properties.correlationID)), .init("message_id", text(properties.messageID)),
            .init("type", text(properties.type)), .init("content_type", text(properties.contentType)),
            .init("headers", .object(SubscriberMask.members(properties.headers))), .init("bytes", .number(String(size))),
            .init("body", isTruncated ? .null : SubscriberMask.json(message.body)),
        ]
    }
}

extension String {
    /// The text, cut to `width` characters with `…` at its end.
    func shortened(to width: Int) -> String { count <= width ? self : prefix(width - 1) + "…" }

    /// The text in lines of at most `width` characters, broken at spaces where there are any. At least one line.
    func wrapped(to width: Int) -> [String] {
        var lines: [String] = []
        var rest = Substring(self)
        while rest.count > width {
            let line = rest.prefix(width + 1)
            let space = line.lastIndex(of: " ").flatMap { $0 > line.startIndex ? $0 : nil }
            let end = space ?? line.index(before: line.endIndex)
            lines.append(String(rest[..<end]))
            rest = rest[end...].drop { $0 == " " }
        }
        return lines + [String(rest)]
    }
}
