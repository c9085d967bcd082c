import ArgumentParser
import BOSClient
import Daemon
import JobEngine
import JobModel
import Ledger

/// `bosctl codes`: what BOS answers, and what it turned out to mean.
struct CodesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "codes",
        abstract: "Lists the answers of BOS that were no plain successes, how often each came, and what was found afterwards.",
        discussion: """
            For the first days with a provider: the last column names the setting that says what a code means, or the setting in which it \
            could be written once that is known. A recharge that was answered so and is neither done nor proven undone is open. Messages \
            are shown without numbers. Answers to plain recharges that succeeded at once are not counted.
            """)

    @Flag(help: "One JSON object for each answer.") var json = false
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withLedger(isJSON: json) { access, settings, console in
            let codes = try await access.reading { try await $0.codes() }
            let report = CodesReport(codes, meanings: CodesReport.Meanings(settings), now: SystemClock().now())
            for line in json ? report.json : report.lines { console.row(line) }
        }
    }
}

extension CodesReport.Meanings {
    fileprivate init(_ settings: Settings) {
        let configuration = settings.bosConfiguration
        codes = configuration.codes
        enquiryFailed = configuration.enquiry.failedCodes
        postponed = configuration.codes.postponed
        panFailed = configuration.pan.failedCodes
    }
}
