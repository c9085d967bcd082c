import ArgumentParser
import Daemon

/// `bosctl resolve REF`: a person settles a doubt.
struct ResolveCommand: AsyncParsableCommand {
    enum Word: String, EnumerableFlag {
        case succeeded
        case failed
        case send

        static func help(for value: Word) -> ArgumentHelp? {
            switch value {
            case .succeeded: "BOS has executed it: the subscriber has been recharged."
            case .failed: "BOS has not executed it, and never will; what was held back is refused."
            case .send: "BOS has not executed it, and shall now: it is sent again under the same reference. It moves money."
            }
        }
    }

    static let configuration = CommandConfiguration(
        commandName: "resolve",
        abstract: "Settles recharges that are in doubt or held back by your word, and sends their final replies.",
        discussion: """
            For what BOS cannot tell, once you know it from elsewhere (BOS's people, the statement of account). BOS is asked first; if it \
            says the opposite nothing is done, unless you add --against-bos. --send needs BOS's word that it does not know the recharge; where it \
            says no and it is not known to what, --against-bos takes yours, and nothing else does.

            Only --send moves money here, but others move it on your word: after --failed the upstream gives its customer the money back, and if \
            BOS has executed the recharge after all, it is lost. After --succeeded it keeps the money, and if BOS has not executed the \
            recharge, the customer has paid for nothing. A settled recharge is over: it is never sent or asked about again.

            With --not-found, all recharges are settled that were sent longer than --older-than ago, that BOS has not answered or has refused, and \
            that it did not know as often and as long as retry.settle says. What BOS has accepted or known is left out: name \
            each. BOS is asked about each once more; one that it knows, or says anything else about, is left as it is.

            Your name, the reason and what BOS said go into the job's history; the reason also goes to the upstream with --failed.
            """)

    @Argument(help: ArgumentHelp("The recharge's referenceid.", valueName: "reference")) var reference: String?
    @Flag var word: Word
    @Option(help: "How you know, in a sentence without the subscriber's number.") var reason: String
    @Flag(help: "Ask nothing, even if BOS does not confirm it or cannot be asked.") var yes = false
    @Flag(name: .customLong("not-found"), help: "Settle all that BOS did not know, in place of one reference.") var notFound = false
    @Option(name: .customLong("older-than"), help: "With --not-found: only what was sent longer ago than this.") var olderThan:
        ArgumentDuration?
    @Flag(name: .customLong("inside-window"), help: "Settle it although its request may still be on its way (retry.settle.window).")
    var insideWindow = false
    @Flag(
        name: .customLong("against-bos"),
        help: "Settle it although BOS says the opposite; with --send, although it is not known to what BOS says no.")
    var againstBOS = false
    @OptionGroup var options: BrokerOptions

    func validate() throws {
        guard reason.contains(where: { $0.isLetter }) else { throw ValidationError("--reason must say in words how you know") }
        guard reason.count <= 500, reason == reason.printable else {
            throw ValidationError("--reason must be one line of at most 500 characters")
        }
        guard (reference == nil) == notFound else { throw ValidationError("name one reference, or give --not-found in place of it") }
        guard notFound == (olderThan != nil) else { throw ValidationError("--not-found needs --older-than, and only that does") }
        guard !notFound || word != .succeeded else { throw ValidationError("what BOS does not know has not succeeded: --failed or --send") }
    }

    func run() async throws {
        try await options.withLedger { access, settings, console in
            let resolution = Resolution(
                word: word, reason: reason, isConfirmed: yes, isAgainstBOS: againstBOS, isInsideWindow: insideWindow, settings: settings,
                console: console)
            try await access.writing { ledger in
                if let reference { return try await resolution.run(reference, ledger, access) }
                try await BatchResolution(resolution: resolution, olderThan: olderThan?.duration ?? .zero).run(ledger)
            }
        }
    }
}
