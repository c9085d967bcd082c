import AMQP
import ArgumentParser
import Daemon
import JobEngine
import JobModel
import Ledger

/// `bosctl dead …`: what operators do about dead letters.
struct DeadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead",
        abstract: "Shows, replays and drops dead letters: messages that were not understood, or that the broker gave up delivering.",
        discussion: """
            Looking leaves each letter in its queue. A letter is named by its id, by the first six digits of it or more, or by its \
            message_id. Subscriber numbers are masked, and whatever looks like one.
            """,
        subcommands: [DeadListCommand.self, DeadShowCommand.self, DeadReplayCommand.self, DeadPurgeCommand.self])
}

/// `bosctl dead list`
struct DeadListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists dead letters: what each is, why it is dead, and whether it may be replayed.")

    @OptionGroup var limit: LimitOption
    @OptionGroup var output: OutputOptions
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withKeptMessages(isJSON: output.json) { access, settings, console in
            try await access.reading { ledger in
                let letters = DeadLetters(ledger: ledger, settings: settings, console: console)
                try await letters.withQueue { queue in
                    let total = try await queue.depth()
                    var entries: [DeadLetterEntry] = []
                    try await queue.read(limit: limit.limit) { held in
                        entries.append(DeadLetterEntry(held.kept, check: try await letters.check(held.kept)))
                        return true
                    }
                    console.show(DeadLetterList(entries, of: total, queue: queue.name, now: SystemClock().now()))
                }
            }
        }
    }
}

/// `bosctl dead show ID`
struct DeadShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows one dead letter: what is wrong, whose it is, its content, and whether it may be replayed.")

    @Argument(help: ArgumentHelp("The letter's id or message_id.", valueName: "id")) var id: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withKeptMessages(isJSON: output.json) { access, settings, console in
            try await access.reading { ledger in
                let letters = DeadLetters(ledger: ledger, settings: settings, console: console)
                try await letters.withQueue { queue in
                    var isFound = false
                    try await queue.read { held in
                        guard held.kept.isNamed(id) else { return true }
                        isFound = true
                        let check = try await letters.check(held.kept)
                        console.show(DeadLetterReport(letter: held.kept, check: check, now: SystemClock().now()))
                        return true
                    }
                    guard isFound else { throw KeptFailure.unknown(id, queue: queue.name) }
                }
            }
        }
    }
}

/// The queue of dead letters beside the ledger that knows their jobs.
struct DeadLetters {
    let ledger: any Ledger
    let settings: Settings
    let console: Console

    /// - Parameter items: what must exist before anything is published.
    func withQueue<Value>(publishing items: [TopologyItem] = [], _ body: (KeptQueue) async throws -> Value) async throws -> Value {
        try await KeptQueue.with(settings.topology.deadQueue, publishing: items, settings: settings, console: console, body: body)
    }

    func check(_ letter: KeptMessage, isAfterRefusal: Bool = false) async throws(LedgerError) -> ReplayCheck {
        try await ReplayCheck(letter, in: ledger, rules: settings.engineConfiguration.rules, isAfterRefusal: isAfterRefusal)
    }
}
