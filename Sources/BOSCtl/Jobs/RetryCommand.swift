import ArgumentParser
import Daemon
import JobEngine
import JobModel
import Ledger

/// `bosctl retry REF`: it makes a waiting job due at once.
struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Makes a job go on at once that waits in the ledger, or is left to a person.",
        discussion: """
            bos-poller puts the job back on its queue within a second or two. The worker asks BOS about a recharge in doubt first, and \
            sends it again only after proof that it was not executed. A doubt older than retry.doubt.maximumAge is parked again, unless \
            BOS's answer decides it.

            A held recharge (bosctl doubts: held) was never sent. Only --send has it sent.
            """)

    @Argument(help: ArgumentHelp("The job's reference: referenceid or refid.", valueName: "reference")) var reference: String
    @Flag(help: "Send a recharge that is held because it repeats an earlier purchase. This moves money.") var send = false
    @OptionGroup var kind: KindOption
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withLedger { access, settings, console in
            try await access.writing { ledger in
                let jobs = try await kind.jobs(reference, in: ledger, path: access.path).map(\.record)
                // A final job of another kind may have the same reference. The operator means the open one.
                let open = jobs.filter { !$0.progress.state.isFinal }
                for record in open.isEmpty ? jobs : open {
                    let isHeld = record.progress.state == .held
                    guard send || !isHeld else { throw CommandFailure.wouldSend(reference: reference, record.job.amount) }
                    try await retry(record, in: ledger, policy: settings.engineConfiguration.policy)
                    let effect = isHeld ? " to be sent to BOS: \(record.job.amount.rupees) rupees" : ""
                    console.row(
                        "\(record.job.kind.rawValue) \(record.job.reference.printable) is due now\(effect); bos-poller puts it back on its queue"
                    )
                }
            }
        }
    }

    private func retry(_ record: JobRecord, in ledger: any Ledger, policy: RetryPolicy) async throws {
        let now = SystemClock().moment
        let before = record.progress.state
        try await CommandFailure.explaining(record) {
            try await OperatorClaim(record, from: ledger, as: OperatorIdentity.commandID, at: now.wallClock).retry(
                policy, at: now,
                entry: { state in
                    let change = state == before ? "" : ", from \(before.rawValue) to \(state.rawValue)"
                    let detail = "due at once, requested by \(OperatorIdentity.current) (bosctl retry)\(change)"
                    return HistoryEntry(at: now.wallClock, .released, detail: detail)
                },
                otherwise: HistoryEntry(at: now.wallClock, .released, detail: "bosctl retry of \(OperatorIdentity.current) changed nothing")
            )
        }
    }
}
