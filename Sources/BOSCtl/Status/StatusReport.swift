import Daemon
import ExactJSON
import JobModel
import Ledger

/// The state of worker and poller, as their pages say it; or what the ledger alone tells.
struct StatusReport: Report {
    let worker: ProgramReading
    let poller: ProgramReading
    /// Set if the worker does not answer.
    let ledger: Result<LedgerState, LedgerFailure>?

    var isWell: Bool { [worker, poller].allSatisfy { $0.status?.isReady == true } }

    var lines: [String] {
        var lines = Self.headline(worker)
        if let status = worker.status {
            lines += Self.queues(status) + Self.work(status)
        } else if let ledger {
            lines += Self.fallback(ledger)
        }
        return lines + Self.headline(poller)
    }

    // MARK: Sentences

    private static func headline(_ reading: ProgramReading) -> [String] {
        let name = reading.program.rawValue
        guard let status = reading.status else {
            return TextWrapping.wrap("\(name) does not answer at \(reading.problem.printable)", first: "", rest: "  ")
        }
        let json = status.json
        let sentence = json["headline"]?["sentence"]?.text ?? (status.isReady ? "ready" : status.reasons.joined(separator: "; "))
        var lines = TextWrapping.wrap("\(name) \(status.version ?? ""): \(sentence.printable)", first: "", rest: "  ")
        if let detail = json["headline"]?["detail"]?.text { lines += TextWrapping.wrap(detail.printable, first: "  ", rest: "  ") }
        guard json["headline"]?["level"]?.text != "good" else { return lines }
        if let advice = json["headline"]?["advice"]?.text { lines += TextWrapping.wrap("→ \(advice.printable)", first: "  ", rest: "    ") }
        for finding in json["findings"]?.elements.dropFirst() ?? [] {
            let text = [finding["sentence"], finding["advice"]].compactMap { $0?.text }.joined(separator: " ")
            lines += TextWrapping.wrap(text.printable, first: "* ", rest: "  ")
        }
        return lines
    }

    private static func queues(_ status: ProgramStatus) -> [String] {
        guard case .object(let queues)? = status.json["queues"], !queues.isEmpty else { return [] }
        var table = TextTable(["queue", "ready", "consumers", "growth a minute", "why"])
        for queue in queues {
            table.add([
                queue.name, queue.value["messages"]?.text ?? "?", queue.value["consumers"]?.text ?? "?",
                queue.value["growth_per_minute"]?.text ?? "-", queue.value["why"]?.text ?? "",
            ])
        }
        return [""] + table.lines.map(\.withoutTrailingSpaces)
    }

    /// Work in flight, what is left, and what a restart would cost.
    private static func work(_ status: ProgramStatus) -> [String] {
        let json = status.json
        var lines: [String] = [""]
        if case .object(let kinds)? = json["in_flight"] {
            let counts = kinds.map { "\($0.name) \($0.value.text ?? "?")" }.joined(separator: ", ")
            lines.append("in flight    \(counts); calls to BOS \(json["bos"]?["calls_under_way"]?.text ?? "?")")
        }
        if let doubts = json["doubts"], let count = doubts["count"]?.text {
            let since = doubts["oldest_since"]?.text.map { ", the oldest since \($0)" } ?? ""
            lines.append("in doubt     \(count), \(doubts["rupees"]?.text ?? "?") rupees\(since)")
        }
        if let owed = json["replies_owed"]?.text { lines.append("replies owed \(owed)") }
        if let token = json["token"], token["used"] == .bool(true) {
            lines.append("token        \(token["problem"]?.text ?? "usable\(token["expires_at"]?.text.map { " until \($0)" } ?? "")")")
        }
        if let drain = json["drain"] { lines += Self.drain(drain) }
        return lines + [""]
    }

    /// May I restart now, and how long will the drain take?
    private static func drain(_ drain: JSONValue) -> [String] {
        guard let expected = drain["expected_seconds"]?.text, let most = drain["at_most_seconds"]?.text else { return [] }
        guard drain["stopping"] != .bool(true) else { return entry("stopping", text: "it ends within \(most) s") }
        let time = Double(most) == 0 ? "at once: no call to BOS is under way" : "in about \(expected) s, in \(most) s at most"
        return entry("a restart", text: "ends \(time); what lasts longer is cut off, and BOS is asked about it at the next start")
    }

    /// A name and a text beside it, in as many lines as it takes.
    private static func entry(_ name: String, text: String) -> [String] {
        TextWrapping.wrap(text.printable, first: name.padded(to: 13), rest: String(repeating: " ", count: 13))
    }

    private static func fallback(_ ledger: Result<LedgerState, LedgerFailure>) -> [String] {
        switch ledger {
        case .failure(let failure):
            return TextWrapping.wrap("The ledger tells nothing either: \(failure.description.printable)", first: "", rest: "  ")
        case .success(let state):
            var lines = ["What follows comes from the ledger alone. Nothing is sent to BOS while no worker runs."]
            lines.append("to be sent   \(state.unfinished(.money)) recharges")
            lines.append("to be asked  \(state.unfinished(.questions)) doubts and questions")
            let since = state.summary.oldestDoubt.map { ", the oldest for \(TimeText.span(state.now - $0))" } ?? ""
            lines.append("in doubt     \(state.doubts), \(state.summary.doubtAmount.rupees) rupees\(since)")
            lines.append("for a person \(state.leftToPerson)")
            lines.append("replies owed \(state.summary.unpublishedReplies)")
            for (lane, hold) in state.holds.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                lines += entry("held", text: "\(lane.rawValue), by \(hold.user): \(hold.reason)")
            }
            return lines
        }
    }

    // MARK: JSON

    var json: [JSONValue] {
        let programs = [worker, poller].map { reading in
            JSONValue.object([
                .init("program", .string(reading.program.rawValue)), .init("answers", .bool(reading.status != nil)),
                .init("problem", reading.status == nil ? .string(reading.problem) : .null), .init("status", reading.status?.json ?? .null),
            ])
        }
        guard let ledger, case .success(let state) = ledger else { return programs }
        func number(_ value: Int) -> JSONValue { .number(String(value)) }
        return programs + [
            .object([
                .init("program", .null), .init("source", .string("ledger")),
                .init("recharges_to_be_sent", number(state.unfinished(.money))),
                .init("questions_to_be_asked", number(state.unfinished(.questions))), .init("doubts", number(state.doubts)),
                .init("doubt_amount", .string(state.summary.doubtAmount.rupees)),
                .init("oldest_doubt_since", state.summary.oldestDoubt.map { .string($0.rfc3339) } ?? .null),
                .init("left_to_person", number(state.leftToPerson)), .init("replies_owed", number(state.summary.unpublishedReplies)),
                .init("held_lanes", .array(state.holds.keys.map(\.rawValue).sorted().map { .string($0) })),
            ])
        ]
    }
}

extension JSONValue {
    /// The elements of an array; none for anything else.
    fileprivate var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
}
