import ArgumentParser
import Daemon
import Foundation
import JobEngine
import JobModel
import LedgerSQLite

/// `bosctl doctor`: it looks at everything that the programs need.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Looks at everything that worker and poller need: each line is ok, a warning or a fault, with what to do.",
        discussion: """
            Configuration, broker (version, topology, consumers, rights, alarms, TLS), BOS (an enquiry about a recharge that does not exist, the \
            token, the clock, TLS), ledger (quick check, size, room), worker and poller. It changes nothing and moves no money. With \
            auth.mode authorise it obtains a token of its own.

            For monitoring: the exit code is 1 if there is a fault, with --strict also if there is a warning, and else 0. Wrong configuration \
            is 78.
            """)

    @Flag(help: "Let a warning count as a fault.") var strict = false
    @OptionGroup var addresses: ProgramAddresses
    @OptionGroup var output: OutputOptions
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withLedger(isJSON: output.json) { access, settings, console in
            let report = try await WebClient.with(caFile: settings.brokerCAFile) { brokerWeb in
                try await WebClient.with { web in
                    await examine(settings, access: access, console: console, over: web, brokerWeb: brokerWeb)
                }
            }
            console.show(report)
            if report.hasFault || (strict && report.hasWarning) { throw ExitCode.failure }
        }
    }

    private func examine(
        _ settings: Settings, access: LedgerAccess, console: Console, over web: WebClient, brokerWeb: WebClient
    ) async -> DoctorReport {
        let now = SystemClock().now()
        let ledger = try? await SQLiteLedger.openReadOnly(path: access.path).closing { try await $0.identity() }
        let broker = BrokerExamination(
            settings: settings, ledger: ledger, console: Console(isJSON: true), web: brokerWeb, now: Int(now.milliseconds / 1_000))
        let programs = ProgramExamination(web: web)
        var diagnoses = configuration()
        diagnoses += await broker.diagnose()
        diagnoses += await BOSExamination(settings: settings, web: web).diagnose()
        diagnoses += await LedgerExamination(access: access, now: now).diagnose()
        diagnoses.append(await programs.diagnose(.worker, at: addresses.url(of: .worker, in: options)))
        diagnoses.append(await programs.diagnose(.poller, at: addresses.url(of: .poller, in: options)))
        return DoctorReport(diagnoses: diagnoses)
    }

    /// The configuration has no fault, or the command would not have come so far. The worker needs more of it than `bosctl`.
    private func configuration() -> [Diagnosis] {
        let sources = options.sources
        let file = sources.file ?? (FileManager.default.fileExists(atPath: sources.defaultFile) ? sources.defaultFile : "no file")
        do throws(ConfigurationError) {
            let (_, warnings) = try Settings.load(for: .worker, from: sources)
            guard let first = warnings.first else { return [.ok("configuration", finding: "read from \(file), without a problem")] }
            return [.warning("configuration", finding: first, mend: "correct it")]
        } catch {
            return [
                .warning(
                    "configuration", finding: "the worker would not start with what this command sees: \(error)",
                    mend: "if the unit has what is missing (systemd credentials), name the same files here; else correct it")
            ]
        }
    }
}
