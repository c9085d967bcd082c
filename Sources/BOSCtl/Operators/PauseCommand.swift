import ArgumentParser
import Daemon
import JobEngine
import JobModel
import Ledger
import LedgerSQLite

/// `bosctl pause recharges|questions`: an operator holds a queue.
struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Holds recharges or questions: the worker takes no more of them, until you end the hold with `bosctl resume`.",
        discussion: """
            The hold is kept in the ledger, so it survives restarts of worker and poller. The worker sees it within two seconds. It also works \
            while no worker runs.

            recharges: requests that have left are waited for, and no further DoRecharge is sent. Doubts are still asked about. \
            questions: no question is taken. Doubts wait too, because the enquiries about them are questions. Recharges go on.
            """)

    @Argument(help: "recharges, or questions: enquiries about doubts, status questions and PAN applications.") var jobs: HeldJobs
    @OptionGroup var reason: ReasonOption
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withLedger { access, settings, console in
            try await access.writing { ledger in
                console.row("The worker takes no \(jobs.rawValue) from \(jobs.queue(settings)) from within two seconds on, until")
                console.row("`bosctl resume \(jobs.rawValue)`. \(jobs.effect)")
                try await ledger.recording("pause \(jobs.rawValue)", about: jobs.queue(settings), because: reason.reason) {
                    let operatorName = OperatorIdentity.current
                    let hold = LaneHold(
                        since: SystemClock().now(), user: operatorName.user.printable, host: operatorName.host.printable,
                        reason: reason.reason)
                    let earlier = try await ledger.setHold(hold, of: jobs.lane)
                    if let earlier { console.row("This replaces an earlier hold: \(earlier)") }
                    console.row("\(jobs.rawValue) are \(hold)")
                    return earlier.map { "held; replaces: \($0)" } ?? "held"
                }
            }
        }
    }
}

/// The jobs that an operator can hold, as they are named on the command line.
enum HeldJobs: String, ExpressibleByArgument, CaseIterable {
    case recharges
    case questions

    init(_ lane: JobLane) {
        self =
            switch lane {
            case .money: .recharges
            case .questions: .questions
            }
    }

    var lane: JobLane {
        switch self {
        case .recharges: .money
        case .questions: .questions
        }
    }

    func queue(_ settings: Settings) -> String {
        switch self {
        case .recharges: settings.topology.queues.recharge
        case .questions: settings.topology.queues.status
        }
    }

    /// What a hold does, in one sentence or two.
    fileprivate var effect: String {
        switch self {
        case .recharges: "Requests that have left are waited for; doubts are still asked about."
        case .questions: "No doubt is asked about meanwhile. Recharges go on."
        }
    }
}

extension HoldLedger {
    /// Says that a job does not go on by itself now, if an operator holds its lane.
    func sayHold(of job: Job, in state: JobState, on console: Console) async throws {
        let lane = Job.lane(job.kind, in: state)
        guard let hold = try await holds()[lane] else { return }
        let jobs = HeldJobs(lane).rawValue
        console.row("It does not go on before `bosctl resume \(jobs)`, because \(jobs) are \(hold)")
    }
}
