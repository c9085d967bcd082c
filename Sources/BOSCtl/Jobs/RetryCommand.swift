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
    @OptionGroup var reason: ReasonOption
    @OptionGroup var kind: KindOption
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withLedger { access, settings, console in
            try await access.writing { ledger in
                let jobs = try await kind.jobs(reference, in: ledger, path: access.path).map(\.record)
                // A final job of another kind may have the same reference. The operator means the open one.
                let open = jobs.filter { !$0.progress.state.isFinal }
                for record in open.isEmpty ? jobs : open {
                    try check(record)
                    let name = "\(record.job.kind.rawValue) \(record.job.reference.printable)"
                    let isSent = record.progress.state == .held
                    let effect = isSent ? " to be sent to BOS: \(record.job.amount.rupees) rupees" : ""
                    console.row("\(name) is \(record.progress.state.humanDescription). It becomes due now\(effect).")
                    try await ledger.recording(isSent ? "retry --send" : "retry", about: record.job.reference, because: reason.reason) {
                        let state = try await retry(record, in: ledger, policy: settings.engineConfiguration.policy)
                        console.row("\(name) is due now\(effect); bos-poller puts it back on its queue")
                        try await ledger.sayHold(of: record.job, in: state, on: console)
                        return "due now\(effect)"
                    }
                }
            }
        }
    }

    /// Refuses what would change nothing, before it is recorded. The claim refuses the same later, if the job changes meanwhile.
    private func check(_ record: JobRecord) throws(CommandFailure) {
        let (job, state) = (record.job, record.progress.state)
        guard !job.mentionsSubscriber(reason.reason) else { throw .numberInReason }
        guard send || state != .held else { throw .wouldSend(reference: job.reference, job.amount) }
        guard !state.isFinal else { throw .over(job.kind, reference: job.reference, state, at: record.progress.completedAt) }
        if let owner = record.owner, OperatorClaim.isWorkers(owner) { throw .owned(job.kind, reference: job.reference, owner: owner) }
    }

    /// - Returns: the job's new state.
    private func retry(_ record: JobRecord, in ledger: any Ledger, policy: RetryPolicy) async throws -> JobState {
        let now = SystemClock().moment
        let before = record.progress.state
        var after = before
        try await CommandFailure.explaining(record) {
            try await OperatorClaim(record, from: ledger, as: OperatorIdentity.commandID, at: now.wallClock).retry(
                policy, at: now,
                entry: { state in
                    after = state
                    let change = state == before ? "" : ", from \(before.rawValue) to \(state.rawValue)"
                    let detail = "due at once, requested by \(OperatorIdentity.current) (bosctl retry)\(change): \(reason.reason)"
                    return HistoryEntry(at: now.wallClock, .released, detail: detail)
                },
                otherwise: HistoryEntry(at: now.wallClock, .released, detail: "bosctl retry of \(OperatorIdentity.current) changed nothing")
            )
        }
        return after
    }
}
