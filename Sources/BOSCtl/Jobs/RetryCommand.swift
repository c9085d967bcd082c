import ArgumentParser
import Daemon
import JobEngine
import JobModel
import Ledger

/// `bosctl retry REF`: what waits goes on now.
struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Has a job that waits in the ledger, or is left to a person, go on at once.",
        discussion: """
            bos-poller puts the job back on its queue within a second or two. A recharge in doubt is asked about first, as always, and \
            sent again only after proof that it was not executed. One that is older than retry.doubt.maximumAge is left to a person \
            again unless BOS's answer settles it.

            A recharge that is held back (bosctl doubts: held) was never sent, and this sends it: only with --send.
            """)

    @Argument(help: ArgumentHelp("The job's reference: referenceid or refid.", valueName: "reference")) var reference: String
    @Flag(help: "Sends a recharge that is held back because it repeats an earlier purchase. It moves money.") var send = false
    @OptionGroup var kind: KindOption
    @OptionGroup var options: BrokerOptions

    func run() async throws {
        try await options.withLedger { access, settings, console in
            try await access.writing { ledger in
                let jobs = try await kind.jobs(reference, in: ledger, access).map(\.record)
                // A question of the same reference may be over long since; it is not what is meant.
                let open = jobs.filter { !$0.progress.state.isFinal }
                for record in open.isEmpty ? jobs : open {
                    let isHeld = record.progress.state == .held
                    guard send || !isHeld else { throw CommandFailure.wouldSend(reference: reference, record.job.amount) }
                    try await retry(record, ledger, settings)
                    let effect = isHeld ? " to be sent to BOS: \(record.job.amount.rupees) rupees" : ""
                    console.row(
                        "\(record.job.kind.rawValue) \(record.job.reference.printable) is due now\(effect); bos-poller puts it back on its queue"
                    )
                }
            }
        }
    }

    private func retry(_ record: JobRecord, _ ledger: any Ledger, _ settings: Settings) async throws {
        let now = SystemClock().moment
        let before = record.progress.state
        try await CommandFailure.explaining(record) {
            try await OperatorClaim(record, from: ledger, as: Person.command, at: now.civil).retry(
                settings.engineConfiguration.policy, at: now,
                entry: { state in
                    let change = state == before ? "" : ", from \(before.rawValue) to \(state.rawValue)"
                    return HistoryEntry(at: now.civil, .released, detail: "due at once, says \(Person.current) (bosctl retry)\(change)")
                },
                otherwise: HistoryEntry(at: now.civil, .released, detail: "bosctl retry of \(Person.current) left it as it was"))
        }
    }
}
