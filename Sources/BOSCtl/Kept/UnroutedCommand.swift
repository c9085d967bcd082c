import ArgumentParser
import Daemon
import JobEngine
import Ledger
import LedgerSQLite

/// `bosctl unrouted …`: what operators do about replies for which no queue was bound.
struct UnroutedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unrouted",
        abstract: "Shows replies for which no queue was bound, and publishes them again.",
        discussion: "Looking leaves each reply in its queue.",
        subcommands: [UnroutedListCommand.self, UnroutedReplayCommand.self])
}

/// `bosctl unrouted list`
struct UnroutedListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists replies for which no queue was bound, the oldest first.")

    @OptionGroup var limit: LimitOption
    @OptionGroup var output: OutputOptions
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withKeptMessages(isJSON: output.json) { _, settings, console in
            try await KeptQueue.with(settings.topology.unroutedQueue, settings: settings, console: console) { queue in
                let total = try await queue.depth()
                var entries: [UnroutedEntry] = []
                try await queue.read(limit: limit.limit) { held in
                    entries.append(UnroutedEntry(held.kept))
                    return true
                }
                console.show(UnroutedList(entries, of: total, queue: queue.name, now: SystemClock().now()))
            }
        }
    }
}

/// `bosctl unrouted replay`
struct UnroutedReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Publishes unrouted replies again, and removes those that reach a queue.",
        discussion: """
            A reply keeps its routing key and its message_id, so its service can drop a repeat. It moves no money. A reply for which no \
            queue is bound yet stays, and the command names the missing binding. Whatever ends this command in between, no reply is \
            lost; one may be there twice.
            """)

    @Argument(help: ArgumentHelp("The reply's id or message_id.", valueName: "id")) var id: String?
    @Flag(help: "Replay all that are there, as far as --limit goes, instead of one.") var all = false
    @OptionGroup var limit: LimitOption
    @OptionGroup var reason: ReasonOption
    @OptionGroup var output: OutputOptions
    @OptionGroup var options: ConfigurationOptions

    func validate() throws {
        guard (id == nil) == all else { throw ValidationError("name one reply, or give --all in place of it") }
    }

    func run() async throws {
        try await options.withKeptMessages(isJSON: output.json) { access, settings, console in
            try await access.writing { ledger in
                let replay = ReplyReplay(
                    id: id, limit: limit.limit, settings: settings, identity: try await ledger.identity(), console: console)
                console.say(replay.plan)
                var results: [ReplyReplay.Result] = []
                try await ledger.recording("unrouted replay", about: replay.queue, because: reason.reason) {
                    results = try await replay.run()
                    let left = results.count { $0.problem != nil }
                    return "\(results.count - left) published again, \(left) left"
                }
                console.show(ReplyReplayReport(results: results))
                let left = results.filter { $0.problem != nil }
                guard left.isEmpty else {
                    let isTemporary = left.allSatisfy { $0.problem?.isTemporary == true }
                    throw KeptFailure.left(count: left.count, queue: replay.queue, isTemporary: isTemporary)
                }
            }
        }
    }
}
