import ArgumentParser
import Daemon
import ExactJSON
import JobEngine
import JobModel
import Ledger
import LedgerSQLite

/// `bosctl ledger restore FILE`: it makes a ledger of a copy, so that no recharge is executed a second time.
struct LedgerRestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Makes a ledger of a copy, for a worker whose ledger is lost.",
        discussion: """
            The copy does not know what happened after it was made: a recharge that it holds as open may have been executed and answered, and \
            recharges may have been executed that it does not hold at all. So each open recharge of the copy becomes a doubt: BOS is asked, and \
            the worker never sends it again by itself. And until you end the restoring with --finish, each recharge that the ledger does not \
            know is a doubt too. End it once every upstream has published again what it has no final reply to, and bos.recharge is empty.

            The ledger gets a new name, so that a worker with the lost ledger cannot come back. The worker starts with it once the queue \
            bos.worker.ledger, which holds the old name, is deleted. Follow /usr/share/doc/bos-worker/operating.md#restoring-a-ledger.
            """)

    @Argument(help: ArgumentHelp("The copy. It stays as it is.", valueName: "file")) var file: String?
    @Flag(help: "End the restoring: from now on a recharge that the ledger does not know is sent. This lets money move.") var finish = false
    @Flag(help: "Take a copy without a mark, which another program has made. No worker may be using it.") var unmarked = false
    @Flag(help: "Do not ask for confirmation.") var yes = false
    @OptionGroup var reason: ReasonOption
    @OptionGroup var output: OutputOptions
    @OptionGroup var options: ConfigurationOptions

    func validate() throws {
        guard (file == nil) == finish else { throw ValidationError("name one copy, or give --finish in place of it") }
    }

    func run() async throws {
        try await options.withLedger(isJSON: output.json) { access, settings, console in
            guard let file else { return try await end(access, console: console) }
            try await restore(file, to: access, settings: settings, console: console)
        }
    }

    private func restore(_ file: String, to access: LedgerAccess, settings: Settings, console: Console) async throws {
        let overview = try await access.keeping { try await $0.overview(of: file) }
        let plan = RestoreReport(
            file: file, path: access.path, overview: overview, marker: settings.topology.queues.ledger, now: SystemClock().now())
        if !output.json { console.show(plan) }
        guard yes || console.confirms("Restore \(access.path.printable) from \(file.printable)?") else {
            throw CommandFailure.unconfirmedRestoring
        }
        let (policy, identity) = (settings.engineConfiguration.policy, OperatorIdentity.current)
        let action = OperatorAction(
            at: SystemClock().now(), user: identity.user.printable, host: identity.host.printable, command: "ledger restore",
            subject: file.printable, reason: reason.reason)
        let restoring = Restoring(action, destinations: [policy.destination] + policy.formerDestinations, takesUnmarked: unmarked)
        try await access.keeping { try await $0.restore(file, to: access.path, as: restoring) }
        if output.json { console.show(plan) } else { console.row("restored; nothing is sent before you have done what is left to do") }
    }

    private func end(_ access: LedgerAccess, console: Console) async throws {
        try await access.writing { ledger in
            guard let restoring = try await ledger.restoring() else { throw CommandFailure.notRestored(path: access.path) }
            let summary = try await ledger.summary()
            let doubts =
                summary.stored[.init(.recharge, in: .inDoubt), default: 0] + summary.stored[.init(.recharge, in: .parked), default: 0]
            let state = "restored at \(restoring.at.rfc3339); \(doubts) recharges in doubt, \(summary.doubtAmount.rupees) rupees"
            if !output.json { console.row(state) }
            guard yes || console.confirms("From now on each recharge that the ledger does not know is sent. End the restoring?") else {
                throw CommandFailure.unconfirmedRestoring
            }
            try await ledger.recording("ledger restore --finish", because: reason.reason) {
                _ = try await ledger.endRestoring(at: SystemClock().now())
                return "ended; \(state)"
            }
            console.show(RestoringEnded(doubts: doubts))
        }
    }
}

/// What restoring a copy will do, and what is left to do afterwards.
struct RestoreReport: Report {
    let file: String
    let path: String
    let overview: LedgerKeeper.Overview
    /// The queue that holds the ledger's name.
    let marker: String
    let now: Timestamp

    private var open: DoubtTotal {
        overview.openRecharges.values.reduce(into: DoubtTotal()) { total, state in
            total.count += state.count
            total.amount = Money(paise: total.amount.paise + state.amount.paise)
        }
    }

    var lines: [String] {
        let origin =
            overview.mark.map { "was copied from \($0.source.printable) at \($0.madeAt.rfc3339), \(TimeText.span(now - $0.madeAt)) ago" }
            ?? "has no mark: it is not known when it was copied"
        return [
            "\(file.printable) \(origin)",
            "\(overview.jobs) jobs, \(open.count) open recharges of \(open.amount.rupees) rupees",
            "",
            "What will be done:",
            "* \(path.printable) is written from it, under a new name of the ledger",
            "* each of the \(open.count) open recharges is a doubt: BOS is asked, and the worker never sends it again by itself",
            "* a recharge that the ledger does not know is a doubt too, until you end the restoring",
            "",
            "What is left to you, in this order:",
            "1. delete the queue \(marker), which holds the name of the lost ledger",
            "2. start bos-worker and bos-poller",
            "3. have each upstream publish again, under its old reference, what it has no final reply to",
            "4. bosctl doubts: settle what is left to a person",
            "5. bosctl ledger restore --finish --reason …",
        ]
    }

    var json: [JSONValue] {
        [
            .object([
                .init("file", .string(file)), .init("ledger", .string(path)),
                .init("made_at", overview.mark.map { .string($0.madeAt.rfc3339) } ?? .null),
                .init("jobs", .number(String(overview.jobs))), .init("open_recharges", .number(String(open.count))),
                .init("open_amount", .string(open.amount.rupees)), .init("delete_queue", .string(marker)),
            ])
        ]
    }
}

/// The end of a restoring.
struct RestoringEnded: Report {
    let doubts: Int

    var lines: [String] { ["ended: recharges that the ledger does not know are sent from now on; \(doubts) doubts are left"] }
    var json: [JSONValue] { [.object([.init("ended", .bool(true)), .init("doubts", .number(String(doubts)))])] }
}
