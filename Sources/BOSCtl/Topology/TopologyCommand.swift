import AMQP
import ArgumentParser
import Daemon
import Foundation
import JobEngine
import LedgerSQLite
import Logging

/// `bosctl topology`: it compares the broker's exchanges, queues and bindings with the expected ones, and creates what is missing.
struct TopologyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topology",
        abstract: "Compares exchanges, queues and bindings on the broker with what the programs expect, and creates what is missing.",
        subcommands: [TopologyCheckCommand.self, TopologyApplyCommand.self])
}

/// `bosctl topology check`
struct TopologyCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Shows what is missing or differs, argument by argument. It changes nothing.",
        discussion: """
            Arguments are compared by declaring each object that exists once more, so the user needs the right to configure it. Bindings and \
            policies are seen only with amqp.managementURL. The exit code is 1 if something is missing or differs.
            """)

    @OptionGroup var output: OutputOptions
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withTopology(isJSON: output.json) { check, _, console in
            let report = try await check.report()
            console.show(report)
            guard report.isRight else { throw ExitCode.failure }
        }
    }
}

/// `bosctl topology apply`
struct TopologyApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Creates the exchanges, queues and bindings that are missing. It deletes and changes nothing.",
        discussion: """
            The worker does the same when it starts, unless amqp.declareTopology is false. Run it as a user of the broker who may configure: \
            --amqp.urlsFile=FILE. Lock and marker (bos.worker.lock, bos.worker.ledger) are left to the worker. Without amqp.managementURL all \
            bindings are declared, because AMQP does not show which ones exist; one that exists stays as it is. The exit code is 1 if something \
            differs that cannot be created.
            """)

    @OptionGroup var reason: ReasonOption
    @OptionGroup var output: OutputOptions
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withTopology(isJSON: output.json) { check, access, console in
            let before = try await check.report()
            let items = before.creatable + before.untoldBindings
            if !output.json { for line in Self.plan(before) { console.row(line) } }
            try await recording(items, in: access, console: console) { try await create(items, over: check.connection) }
            let after = try await check.report()
            console.show(after)
            guard after.isRight else { throw ExitCode.failure }
        }
    }

    private static func plan(_ report: TopologyReport) -> [String] {
        let created = report.creatable.map { "will create: \($0.shortLabel)" }
        let repeated = report.untoldBindings.map { "will declare, if it is missing: \($0.shortLabel)" }
        let all = created + repeated
        return all.isEmpty ? ["nothing is missing"] : all
    }

    private func create(_ items: [TopologyItem], over connection: Connection) async throws -> String {
        for item in items {
            do throws(SessionError) { try await connection.declare(item) } catch { throw BrokerError.unreachable(error) }
        }
        return "created: " + items.map(\.shortLabel).joined(separator: ", ")
    }

    /// The action is recorded in the ledger. An administrator may prepare the broker before there is one.
    private func recording(
        _ items: [TopologyItem], in access: LedgerAccess, console: Console, carryingOut body: () async throws -> String
    ) async throws {
        guard !items.isEmpty else { return }
        guard FileManager.default.fileExists(atPath: access.path) else {
            console.complain("there is no ledger \(access.path), so this is not on record there")
            _ = try await body()
            return
        }
        try await access.writing { try await $0.recording("topology apply", because: reason.reason, carryingOut: body) }
    }
}

extension TopologyReport {
    /// Bindings of which the broker does not tell whether they exist.
    var untoldBindings: [TopologyItem] {
        rows.filter { row in
            guard case .binding = row.item, case .untold = row.comparison else { return false }
            return true
        }.map(\.item)
    }
}

extension ConfigurationOptions {
    /// Runs `body` with a connection to the broker that declares nothing by itself.
    fileprivate func withTopology(
        isJSON: Bool, _ body: (TopologyCheck, LedgerAccess, Console) async throws -> Void
    ) async throws {
        try await withLedger(isJSON: isJSON) { access, settings, console in
            do {
                let ledger = try? await SQLiteLedger.openReadOnly(path: access.path).closing { try await $0.identity() }
                let broker = try Broker(inspecting: settings, console: console)
                try await broker.inspecting {
                    try await WebClient.with(caFile: settings.brokerCAFile) { web in
                        let management = ManagementAPI(settings, broker: broker.publishing.configuration.urls[0], over: web)
                        let check = TopologyCheck(settings: settings, ledger: ledger, connection: broker.publishing, management: management)
                        try await body(check, access, console)
                    }
                }
            } catch let error as BrokerError {
                console.complain("\(error)")
                throw ExitCode(ProcessExit.notDrained.rawValue)
            }
        }
    }
}
