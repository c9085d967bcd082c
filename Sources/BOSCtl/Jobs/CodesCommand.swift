import ArgumentParser
import BOSClient
import Daemon
import JobEngine
import JobModel
import Ledger

/// `bosctl codes`: it lists the answers of BOS, and what they turned out to mean.
struct CodesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "codes",
        abstract: "Lists the answers of BOS other than plain successes, how often each came, and what was found afterwards.",
        discussion: """
            This is for the first days with a provider. The column "setting" names the configuration key that holds a code, or the keys \
            that could hold it once its meaning is known. A recharge counts as open while it is neither executed nor proven not executed. \
            Messages are shown without numbers. Recharges that succeeded at once are not counted.
            """)

    @OptionGroup var output: OutputOptions
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withLedger(isJSON: output.json) { access, settings, console in
            let codes = try await access.reading { try await $0.codes() }
            console.show(CodesReport(codes, meanings: CodesReport.Meanings(settings), now: SystemClock().now()))
        }
    }
}

extension CodesReport.Meanings {
    fileprivate init(_ settings: Settings) {
        let configuration = settings.bosConfiguration
        codes = configuration.codes
        enquiryFailed = configuration.enquiry.failedCodes
        panFailed = configuration.pan.failedCodes
    }
}
