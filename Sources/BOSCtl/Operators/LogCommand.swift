import ArgumentParser
import ExactJSON
import JobModel
import Ledger

/// `bosctl log`: it lists what operators have done.
struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Lists what operators have done, why, and how it ended, the newest first.",
        discussion: "A command without a result is running, or was interrupted: look at what it was about before you repeat it.")

    @OptionGroup var limit: LimitOption
    @OptionGroup var output: OutputOptions
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withLedger(isJSON: output.json) { access, _, console in
            console.show(ActionReport(try await access.reading { try await $0.actions(before: nil, limit: limit.limit) }))
        }
    }
}

/// The operators' actions as a table.
struct ActionReport: Report {
    private let actions: [RecordedAction]

    init(_ actions: [RecordedAction]) { self.actions = actions }

    var lines: [String] {
        guard !actions.isEmpty else { return ["No operator has changed anything."] }
        var table = TextTable(["when", "who", "command", "about", "result", "reason"])
        for recorded in actions {
            let action = recorded.action
            table.add([
                action.at.rfc3339, "\(action.user) at \(action.host)", action.command, action.subject, recorded.result ?? "no result yet",
                action.reason,
            ])
        }
        return table.lines
    }

    var json: [JSONValue] {
        actions.map { recorded in
            let action = recorded.action
            return .object([
                .init("at", .string(action.at.rfc3339)), .init("user", .string(action.user)), .init("host", .string(action.host)),
                .init("command", .string(action.command)), .init("about", .string(action.subject)),
                .init("reason", .string(action.reason)), .init("result", recorded.result.map { .string($0) } ?? .null),
                .init("ended_at", recorded.endedAt.map { .string($0.rfc3339) } ?? .null),
            ])
        }
    }
}
