import ArgumentParser
import Daemon

/// `bosctl resolve REF`: an operator resolves a doubt.
struct ResolveCommand: AsyncParsableCommand {
    enum Word: String, EnumerableFlag {
        case succeeded
        case failed
        case send

        static func help(for value: Word) -> ArgumentHelp? {
            switch value {
            case .succeeded: "BOS has executed it: the subscriber has been recharged."
            case .failed: "BOS has not executed it and never will. A held recharge is refused."
            case .send: "BOS has not executed it: send it again under the same reference. This moves money."
            }
        }
    }

    static let configuration = CommandConfiguration(
        commandName: "resolve",
        abstract: "Resolves recharges that are in doubt or held, by your decision, and publishes their final replies.",
        discussion: """
            Use this when BOS cannot tell the outcome and you know it from elsewhere: from BOS's staff, or from the statement of account. \
            BOS is asked first. If it says the opposite, nothing is changed, unless you add --against-bos. --send \
            needs BOS's word that it does not know the recharge. Where BOS declines with a code of unknown meaning, --against-bos adds yours.

            Only --send moves money here, but others act on your decision. After --failed the upstream refunds its customer; if BOS has \
            executed the recharge after all, that money is lost. After --succeeded the upstream keeps the money; if BOS has not executed \
            the recharge, the customer has paid for nothing. A resolved recharge is final: it is never sent or asked about again.

            --not-found resolves many recharges at once: those that were first sent longer than --older-than ago, that BOS has not answered \
            or has refused, and of which BOS has said "not found" as often and for as long as retry.settle demands. Recharges that BOS has \
            accepted or known before are left out: resolve each by its reference. BOS is asked about each recharge once more. If it does \
            not answer "not found", the recharge is left as it is.

            --reason says how you know. Your name, the reason and what BOS said go into the job's history, and into `bosctl log`. \
            With --failed the reason also goes to the upstream.
            """)

    @Argument(help: ArgumentHelp("The recharge's referenceid.", valueName: "reference")) var reference: String?
    @Flag var word: Word
    @OptionGroup var reason: ReasonOption
    @Flag(help: "Do not ask for confirmation, even if BOS does not confirm the decision or cannot be asked.") var yes = false
    @Flag(name: .customLong("not-found"), help: "Resolve all recharges that BOS does not know, instead of one reference.") var notFound =
        false
    @Option(name: .customLong("older-than"), help: "With --not-found: only recharges that were first sent longer ago than this.")
    var olderThan: ArgumentDuration?
    @Flag(name: .customLong("inside-window"), help: "Resolve it although BOS may still execute its request (retry.settle.window).")
    var insideWindow = false
    @Flag(
        name: .customLong("against-bos"),
        help: "Resolve it although BOS says the opposite; with --send, although BOS declines with a code of unknown meaning.")
    var againstBOS = false
    @OptionGroup var options: ConfigurationOptions

    func validate() throws {
        guard (reference == nil) == notFound else { throw ValidationError("name one reference, or give --not-found in place of it") }
        guard notFound == (olderThan != nil) else { throw ValidationError("--not-found and --older-than need each other") }
        guard !notFound || word != .succeeded else {
            throw ValidationError("what BOS does not know has not succeeded: give --failed or --send")
        }
    }

    func run() async throws {
        try await options.withLedger { access, settings, console in
            let resolution = Resolution(
                word: word, reason: reason.reason, isConfirmed: yes, isAgainstBOS: againstBOS, isInsideWindow: insideWindow,
                settings: settings, console: console)
            try await access.writing { ledger in
                if let reference { return try await resolution.run(reference, in: ledger, path: access.path) }
                try await BatchResolution(resolution: resolution, olderThan: olderThan?.duration ?? .zero).run(in: ledger)
            }
        }
    }
}
