import ArgumentParser
import Daemon
import Foundation
import JobModel
import Ledger

/// Where the broker is: read from the worker's configuration, in the worker's own way.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: "The worker's configuration file; /etc/bos-worker/config.yaml is used if it exists and none is named.")
    var config: String?

    @Argument(
        parsing: .allUnrecognized,
        help: ArgumentHelp("Configuration, spelled as in the file: --amqp.urls=amqp://…", valueName: "--key=value"))
    var overrides: [String] = []

    /// Reads the configuration; what is wrong with it is printed, and thrown as the exit code.
    func settings() throws -> Settings {
        var sources = ConfigurationSources()
        sources.options = overrides
        sources.file = config
        sources.environment = ProcessInfo.processInfo.environment
        do throws(ConfigurationError) {
            return try Settings.load(for: nil, from: sources).settings
        } catch {
            Console.writeError("bosctl: \(error)\n")
            throw ArgumentParser.ExitCode(error.exitCode.rawValue)
        }
    }
}

extension ConfigurationOptions {
    /// Runs what a command does with the worker's ledger. A failure is said on the standard error and ends the process with its exit code.
    func withLedger(isJSON: Bool = false, _ body: (LedgerAccess, Settings, Console) async throws -> Void) async throws {
        let settings = try settings()
        let console = Console(isJSON: isJSON)
        do {
            try await body(LedgerAccess(settings.ledger), settings, console)
        } catch let failure as CommandFailure {
            console.complain("\(failure)")
            throw failure.exitCode
        }
    }
}

extension JobKind: ExpressibleByArgument {}

/// Which job a reference means; jobs of different kinds may share one.
struct KindOption: ParsableArguments {
    @Option(help: "recharge, recharge.status or pan.status; every kind that has the reference when absent.") var kind: JobKind?

    private var kinds: [JobKind] { kind.map { [$0] } ?? JobKind.allCases }

    /// The jobs of that reference with their histories; never none.
    func jobs(
        _ reference: String, in ledger: any Ledger, path: String
    ) async throws -> [(record: JobRecord, history: [HistoryEntry])] {
        var found: [(record: JobRecord, history: [HistoryEntry])] = []
        for kind in kinds {
            if let job = try await ledger.job(kind, reference) { found.append(job) }
        }
        guard !found.isEmpty else { throw CommandFailure.unknownJob(reference: reference, kinds, path: path) }
        return found
    }
}

/// How much of a list is shown.
struct LimitOption: ParsableArguments {
    @Option(help: "How many are shown at the most.") var limit = 100

    func validate() throws {
        guard (1...100_000).contains(limit) else { throw ValidationError("--limit must be from 1 to 100000") }
    }
}

/// A duration on the command line, written as in the configuration: `250ms`, `30s`, `5m`, `2h`.
struct ArgumentDuration: ExpressibleByArgument {
    let duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        guard let duration = DurationText.parse(argument) else { return nil }
        self.duration = duration
    }

    var defaultValueDescription: String { DurationText.spell(duration) }
}
