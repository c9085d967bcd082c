import ArgumentParser
import Daemon
import JobEngine
import Ledger

/// `bosctl status`: the first screen of the status pages in a terminal.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows whether money moves and if not why, what waits, and how long a restart would take.",
        discussion: """
            It reads /api/status of worker and poller. If the worker does not answer, it shows what the ledger alone tells. The exit code is 1 \
            if the worker or the poller does not answer, or is not ready.
            """)

    @OptionGroup var watching: WatchOption
    @OptionGroup var addresses: ProgramAddresses
    @OptionGroup var output: OutputOptions
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withLedger(isJSON: output.json) { access, _, console in
            try await WebClient.with { web in
                let report = try await watching.show(on: console) { await read(over: web, access: access) }
                guard report.isWell else { throw ExitCode.failure }
            }
        }
    }

    private func read(over web: WebClient, access: LedgerAccess) async -> StatusReport {
        let worker = await ProgramReading(.worker, at: addresses.url(of: .worker, in: options), over: web)
        let poller = await ProgramReading(.poller, at: addresses.url(of: .poller, in: options), over: web)
        var ledger: Result<LedgerState, LedgerFailure>?
        if worker.status == nil {
            do {
                ledger = .success(try await access.reading { try await LedgerState($0, now: SystemClock().now()) })
            } catch {
                ledger = .failure(LedgerFailure(description: "\(error)"))
            }
        }
        return StatusReport(worker: worker, poller: poller, ledger: ledger)
    }
}

/// Why the ledger tells nothing.
struct LedgerFailure: Error, CustomStringConvertible {
    let description: String
}

/// What a program says of itself, or why it says nothing.
struct ProgramReading {
    let program: Settings.Program
    let status: ProgramStatus?
    /// One clause; empty if the program has answered.
    let problem: String

    init(_ program: Settings.Program, at url: String, over web: WebClient) async {
        self.program = program
        do throws(WebFailure) {
            status = try await ProgramStatus.read(program, at: url, over: web)
            problem = ""
        } catch {
            status = nil
            problem = "\(url): \(error)"
        }
    }

    init(_ program: Settings.Program, status: ProgramStatus?, problem: String = "") {
        self.program = program
        self.status = status
        self.problem = problem
    }
}
