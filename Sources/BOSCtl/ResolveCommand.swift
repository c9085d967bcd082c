import ArgumentParser
import Daemon

/// `bosctl resolve REF`: a person settles a doubt.
struct ResolveCommand: AsyncParsableCommand {
    enum Word: String, EnumerableFlag {
        case succeeded
        case failed

        static func help(for value: Word) -> ArgumentHelp? {
            switch value {
            case .succeeded: "BOS has executed it: the subscriber has been recharged."
            case .failed: "BOS has not executed it, and never will; what was held back is refused."
            }
        }
    }

    static let configuration = CommandConfiguration(
        commandName: "resolve",
        abstract: "Settles a recharge that is in doubt or held back by your word, and sends its final reply.",
        discussion: """
            For what BOS cannot tell, once you know it from elsewhere (BOS's people, the statement of account). BOS is asked first; if it \
            says the opposite nothing is done, unless you add --against-bos.

            No money is moved here, but others move it on your word: after --failed the upstream gives its customer the money back, and if \
            BOS has executed the recharge after all, it is lost. After --succeeded it keeps the money, and if BOS has not executed the \
            recharge, the customer has paid for nothing. A settled recharge is over: it is never sent or asked about again.

            Your name, the reason and what BOS said go into the job's history; the reason also goes to the upstream with --failed.
            """)

    @Argument(help: ArgumentHelp("The recharge's referenceid.", valueName: "reference")) var reference: String
    @Flag var word: Word
    @Option(help: "How you know, in a sentence without the subscriber's number.") var reason: String
    @Flag(help: "Ask nothing, even if BOS does not confirm it or cannot be asked.") var yes = false
    @Flag(name: .customLong("against-bos"), help: "Settle it although BOS says the opposite.") var againstBOS = false
    @OptionGroup var options: BrokerOptions

    func validate() throws {
        guard reason.contains(where: { $0.isLetter }) else { throw ValidationError("--reason must say in words how you know") }
        guard reason.count <= 500, reason == reason.printable else {
            throw ValidationError("--reason must be one line of at most 500 characters")
        }
    }

    func run() async throws {
        try await options.withLedger { access, settings, console in
            let resolution = Resolution(
                reference: reference, succeeded: word == .succeeded, reason: reason, isConfirmed: yes, isAgainstBOS: againstBOS,
                settings: settings, console: console)
            try await access.writing { try await resolution.run($0, access) }
        }
    }
}
