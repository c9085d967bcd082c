import ArgumentParser
import Daemon
import Ledger
import LedgerSQLite

/// `bosctl dead replay ID`
struct DeadReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Publishes a dead letter again as the job that it is, and removes the letter then.",
        discussion: """
            A recharge moves money. The letter is not replayed if the ledger has the recharge: then the worker goes on with it, or it has \
            ended. Else BOS is asked first, and the recharge is published only if BOS says that it does not know it. Where BOS declines \
            with a code of unknown meaning, --against-bos adds your word.

            The worker has told the callers of most letters that their job is refused, which is final. --although-refused replays such a \
            recharge all the same: ask its caller first.

            The letter is removed only after the broker has confirmed the job. Whatever ends this command in between, nothing is lost. At \
            worst the job is published twice, and the worker executes it once. The exit code is 0 if every letter was replayed and no \
            recharge is known to have ended without success, 1 if one was not, and 75 if it may work later or no outcome came in time.
            """)

    @Argument(help: ArgumentHelp("The letter's id or message_id.", valueName: "id")) var id: String?
    @Flag(help: "Replay each letter that may be replayed, instead of one.") var all = false
    @Flag(name: .customLong("although-refused"), help: "Replay a recharge although its caller was told that it is refused.")
    var althoughRefused = false
    @Flag(name: .customLong("against-bos"), help: "Replay a recharge although BOS declines with a code of unknown meaning.")
    var againstBOS = false
    @Option(help: "How long to wait for the outcome.") var wait = ArgumentDuration(.seconds(10))
    @OptionGroup var reason: ReasonOption
    @OptionGroup var output: OutputOptions
    @OptionGroup var options: ConfigurationOptions

    func validate() throws {
        guard (id == nil) == all else { throw ValidationError("name one letter, or give --all in place of it") }
    }

    func run() async throws {
        try await options.withKeptMessages(isJSON: output.json) { access, settings, console in
            try await access.writing { ledger in
                let replay = LetterReplay(
                    letters: DeadLetters(ledger: ledger, settings: settings, console: console), reason: reason.reason,
                    isAfterRefusal: althoughRefused, isAgainstBOS: againstBOS)
                let results = try await replay.run(id, in: ledger)
                let outcomes = try await ReplayOutcomes(results: results, ledger: ledger, console: console)
                    .await(for: wait.duration)
                try outcomes.conclude(in: settings.topology.deadQueue)
            }
        }
    }
}
