import ArgumentParser
import Daemon
import ExactJSON
import Foundation
import JobEngine
import JobModel
import Ledger

/// `bosctl dead purge`
struct DeadPurgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge",
        abstract: "Writes dead letters to a file and removes them from their queue.",
        discussion: """
            Without --yes it only says how many letters it would drop. Each letter is on disk before it is removed. The file is the only \
            copy, so it holds everything that is needed to publish the letters again, with the subscribers' numbers. Only its owner may \
            read it. Whatever ends this command in between, a letter is in the queue, in the file, or in both.
            """)

    @Option(help: "A letter's id or message_id. May be repeated.") var id: [String] = []
    @Option(name: .customLong("older-than"), help: "Letters that failed longer ago than this.") var olderThan: ArgumentDuration?
    @Flag(help: "All letters.") var all = false
    @Flag(help: "Drop them. Without it nothing is changed.") var yes = false
    @Option(help: "The file for what is dropped. It must not exist. Without it, a file beside the ledger.") var file: String?
    @OptionGroup var reason: ReasonOption
    @OptionGroup var output: OutputOptions
    @OptionGroup var options: ConfigurationOptions

    func validate() throws {
        guard [!id.isEmpty, olderThan != nil, all].count(where: { $0 }) == 1 else {
            throw ValidationError("give one of --id, --older-than and --all")
        }
    }

    func run() async throws {
        try await options.withKeptMessages(isJSON: output.json) { access, settings, console in
            try await access.writing { ledger in
                let queue = settings.topology.deadQueue
                let path = file ?? Self.defaultFile(queue, beside: access.path)
                let selection = Selection(ids: id, olderThan: olderThan?.duration, isAll: all, now: SystemClock().now())
                let purge = Purge(selection: selection, queue: queue, path: path, settings: settings, console: console)
                guard yes else { throw KeptFailure.unconfirmed(count: try await purge.count(), queue: queue) }
                console.say(
                    "the letters of \(queue) \(selection.description) are written to a file, with the subscribers' numbers because it is the "
                        + "only copy, and then removed:")
                // In one line, so that it can be copied.
                if !output.json { console.row(path) }
                try await ledger.recording("dead purge", about: queue, because: reason.reason) { try await purge.run() }
            }
        }
    }

    private static func defaultFile(_ queue: String, beside ledger: String) -> String {
        let folder = (ledger as NSString).deletingLastPathComponent
        let name = queue.map { $0.isLetter || $0.isNumber || $0 == "." || $0 == "-" ? String($0) : "_" }.joined()
        let time = SystemClock().now().rfc3339.filter { $0 != ":" && $0 != "-" }
        return "\(folder.isEmpty ? "." : folder)/\(name).dropped.\(time).jsonl"
    }
}

/// Which letters a purge takes.
struct Selection: Sendable {
    let ids: [String]
    let olderThan: Duration?
    let isAll: Bool
    let now: Timestamp

    /// A letter that does not say when it failed is not old.
    func takes(_ letter: KeptMessage) -> Bool {
        if let olderThan { return letter.failedAt.map { $0 + olderThan < now } ?? false }
        return isAll || ids.contains(where: letter.isNamed)
    }

    /// Completes the words "the letters".
    var description: String {
        if let olderThan { return "that failed more than \(DurationText.format(olderThan)) ago" }
        return isAll ? "that are there now" : "with the ids \(ids.joined(separator: ", ").printable)"
    }
}

/// Writes letters to a file, and removes them then.
struct Purge {
    let selection: Selection
    let queue: String
    let path: String
    let settings: Settings
    let console: Console

    /// How many letters are written together. The queue hands out no more at once.
    private static let portion = 50
    /// The largest body that any broker takes by default is larger. It must fit into memory.
    private static let largest = 128 << 20

    private func withQueue<Value>(_ body: (KeptQueue) async throws -> Value) async throws -> Value {
        try await KeptQueue.with(queue, largest: Self.largest, settings: settings, console: console, body: body)
    }

    /// How many letters would be dropped.
    func count() async throws -> Int {
        try await withQueue { queue in
            var count = 0
            try await queue.read { held in
                count += selection.takes(held.kept) ? 1 : 0
                return true
            }
            return count
        }
    }

    /// - Returns: the result for the log of operators' commands.
    func run() async throws -> String {
        let (dropped, left) = try await withQueue { queue in
            var (dropped, left) = (0, 0)
            var file: DropFile?
            var pending: [HeldMessage] = []
            func drop() throws {
                guard !pending.isEmpty else { return }
                let target = try file ?? DropFile(path: path)
                file = target
                try target.append(pending.map(\.kept))
                for message in pending { message.ack() }
                dropped += pending.count
                pending = []
            }
            try await queue.read { held in
                guard selection.takes(held.kept) else { return true }
                guard !held.kept.isTruncated else {
                    left += 1
                    console.say("letter \(held.kept.id) stays: its \(held.kept.size) bytes do not fit into memory beside the others")
                    return true
                }
                held.isClaimed = true
                pending.append(held)
                if pending.count == Self.portion { try drop() }
                return true
            }
            try drop()
            return (dropped, left)
        }
        console.show(PurgeReport(dropped: dropped, left: left, queue: queue, path: path))
        guard left == 0 else { throw KeptFailure.left(count: left, queue: queue, isTemporary: false) }
        return dropped == 0 ? "dropped none" : "dropped \(dropped) into \(path)"
    }
}

/// What a purge did.
struct PurgeReport: Report {
    let dropped: Int
    let left: Int
    let queue: String
    let path: String

    var lines: [String] { [dropped == 0 ? "no letter of \(queue) was dropped" : "\(dropped) letters of \(queue) are in \(path)"] }

    var json: [JSONValue] {
        [
            .object([
                .init("queue", .string(queue)), .init("dropped", .number(String(dropped))), .init("left", .number(String(left))),
                .init("file", dropped == 0 ? .null : .string(path)),
            ])
        ]
    }
}
