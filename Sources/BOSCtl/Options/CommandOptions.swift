import ArgumentParser
import Daemon
import Foundation
import JobModel
import Ledger

// The options that several commands share.

/// The worker's configuration, read as the worker reads it: file, environment, command line.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: "The worker's configuration file. Without it, /etc/bos-worker/config.yaml if that exists.")
    var config: String?

    @Argument(
        parsing: .allUnrecognized,
        help: ArgumentHelp("Configuration keys as in the file: --amqp.urls=amqp://…", valueName: "--key=value"))
    var overrides: [String] = []

    /// Where the configuration is read from.
    var sources: ConfigurationSources {
        var sources = ConfigurationSources()
        sources.options = overrides
        sources.file = config
        sources.environment = ProcessInfo.processInfo.environment
        return sources
    }

    /// Reads the configuration.
    /// - Throws: the exit code for a wrong configuration, after printing what is wrong with it.
    func settings() throws -> Settings {
        do throws(ConfigurationError) {
            let (settings, warnings) = try Settings.load(for: nil, from: sources)
            for warning in warnings { Console.writeError("bosctl: \(warning)\n") }
            return settings
        } catch {
            Console.writeError("bosctl: \(error)\n")
            throw ExitCode(error.exitCode.rawValue)
        }
    }
}

extension ConfigurationOptions {
    /// Runs the part of a command that needs the worker's ledger.
    /// - Throws: the exit code of a ``CommandFailure``, after printing the failure.
    func withLedger(isJSON: Bool = false, _ body: (LedgerAccess, Settings, Console) async throws -> Void) async throws {
        let settings = try settings()
        let console = Console(isJSON: isJSON)
        do {
            try await body(LedgerAccess(path: settings.ledgerPath), settings, console)
        } catch let failure as CommandFailure {
            console.complain("\(failure)")
            throw failure.exitCode
        }
    }
}

extension JobKind: ExpressibleByArgument {}

/// Which kind of job a reference means. Jobs of different kinds may share one reference.
struct KindOption: ParsableArguments {
    @Option(help: "recharge, recharge.status or pan.status. Without it, every kind that has the reference.") var kind: JobKind?

    private var kinds: [JobKind] { kind.map { [$0] } ?? JobKind.allCases }

    /// Returns at least one job of that reference, each with its history.
    /// - Throws: ``CommandFailure/unknownJob(reference:_:path:)`` if there is none, or ``LedgerError``.
    func jobs(
        _ reference: String, in ledger: any Ledger, path: String
    ) async throws -> [(record: JobRecord, history: [HistoryEntry])] {
        var found: [(record: JobRecord, history: [HistoryEntry])] = []
        for kind in kinds {
            if let job = try await ledger.job(kind, reference: reference) { found.append(job) }
        }
        guard !found.isEmpty else { throw CommandFailure.unknownJob(reference: reference, kinds, path: path) }
        return found
    }
}

/// The form of a command's output.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON, one value a line, in place of a table.") var json = false
}

/// Why the operator changes something. The ledger keeps it (`bosctl log`).
struct ReasonOption: ParsableArguments {
    @Option(help: "Why you do this, in one sentence without a subscriber's number. It is kept: bosctl log.") var reason: String

    func validate() throws {
        guard reason.contains(where: { $0.isLetter }) else { throw ValidationError("--reason must say why in words") }
        guard reason.count <= 500, reason == reason.printable else {
            throw ValidationError("--reason must be one line of at most 500 characters")
        }
    }
}

/// How many rows of a list are shown.
struct LimitOption: ParsableArguments {
    @Option(help: "How many rows to show at most.") var limit = 100

    func validate() throws {
        guard (1...100_000).contains(limit) else { throw ValidationError("--limit must be from 1 to 100000") }
    }
}

/// A duration on the command line. It is written as in the configuration: `250ms`, `30s`, `5m`, `2h`.
struct ArgumentDuration: ExpressibleByArgument {
    let duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        guard let duration = DurationText.parse(argument) else { return nil }
        self.duration = duration
    }

    var defaultValueDescription: String { DurationText.format(duration) }
}
