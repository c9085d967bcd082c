import AMQP
import BOSClient
import JobEngine
import JobModel
import Ledger
import Observability

/// Everything that the status page and `/api/status` show of one program, taken at one moment. It holds no secret and no subscriber's
/// number. Source: operating.md#pages.
struct StatusSnapshot: Sendable {
    var program: Settings.Program
    var takenAt: Timestamp
    var startedAt: Timestamp
    /// Why the program is not ready; empty if it is.
    var problems: [HealthProblem] = []
    /// The last reading of ledger and queues.
    var sample = Sampler.Sample()
    var queues: [Queue] = []
    /// The depths of the last hour, the oldest first.
    var curve: [StatusHistory.Depths] = []
    var recent = RecentWork()
    var connections: [Broker] = []
    /// The last notable events of the log, the latest last.
    var events: [RecentEvents.Entry] = []
    var worker: Worker?
    var poller: PollerPart?

    /// One queue on the broker.
    struct Queue: Sendable {
        var name: String
        var role: Role
        /// `nil` if the broker could not be asked.
        var ready: Int?
        var consumers: Int?
        /// By how many messages per minute it has grown over the last minute; `nil` if that is unknown.
        var growthPerMinute: Double?

        /// What the queue is for.
        enum Role: Sendable {
            /// Jobs of a lane.
            case jobs(JobLane)
            case deadLetters
            case unroutedReplies
        }
    }

    /// One connection to the broker.
    struct Broker: Sendable {
        /// `consume` or `publish`.
        var role: String
        var status: ConnectionStatus
        /// When it was last established or lost.
        var since: Timestamp
    }

    /// What only the worker knows.
    struct Worker: Sendable {
        /// The program is about to end: it takes no new job.
        var isStopping = false
        var lanes: [JobLane: LaneStatus] = [:]
        var inFlight: [JobKind: Int] = [:]
        /// Calls to BOS, of all kinds together, per second (`api.ratePerSecond`); `nil`: no limit.
        var ratePerSecond: Int?
        /// How many calls wait for that limit.
        var waitingForRate = 0
        var token = CredentialState(isUsable: true, expiresAt: nil, problem: nil)
        /// Whether calls carry a token at all.
        var usesToken = false
        var enquiryProblems: [String] = []
        var drain = Drain()
    }

    /// How long the end of the program would take now.
    struct Drain: Sendable {
        /// Calls to BOS that would be waited for.
        var calls = 0
        /// How long the longest of them has been under way.
        var longestCall = Duration.zero
        /// `api.requestTimeout` and `shutdown.drainTimeout`.
        var requestTimeout = Duration.zero
        var timeout = Duration.zero
        /// The time within which 99 of 100 calls of the last minutes have ended; `nil` if there was none.
        var usualCall: Duration?

        /// How long the drain takes if the calls go on as usual; zero if no call is under way. A call that already takes longer than usual
        /// is expected to run into its time-out.
        var expected: Duration {
            guard calls > 0 else { return .zero }
            guard let usualCall else { return min(timeout, requestTimeout) }
            return min(timeout, longestCall > usualCall ? max(usualCall, requestTimeout - longestCall) : usualCall)
        }

        /// The longest time that the drain takes: calls that last longer are cut off, and the next start asks BOS about them.
        var atMost: Duration { calls == 0 ? .zero : timeout }
    }

    /// What only the poller knows.
    struct PollerPart: Sendable {
        /// When the last round ended.
        var lastRound: Timestamp
        /// Why jobs are not put back on their queue; `nil` if they are.
        var trouble: String?
    }
}

// MARK: - Reading

extension StatusSnapshot {
    /// Fills in what worker and poller have in common.
    mutating func fill(from memory: StatusMemory, sample: Sampler.Sample, topology: Topology) {
        self.sample = sample
        curve = memory.history.curve
        recent = memory.history.recentWork
        events = memory.events.entries
        let growth = memory.history.growthPerMinute
        queues = topology.watchedQueues.filter { program == .worker || topology.role(of: $0).carriesJobs }.map { name in
            let read = sample.queues.first { $0.name == name }
            return Queue(
                name: name, role: topology.role(of: name), ready: read?.messages, consumers: read?.consumers,
                growthPerMinute: read == nil ? nil : growth[name])
        }
    }
}

extension StatusSnapshot.Queue.Role {
    fileprivate var carriesJobs: Bool {
        switch self {
        case .jobs: true
        case .deadLetters, .unroutedReplies: false
        }
    }
}

extension Topology {
    fileprivate func role(of queue: String) -> StatusSnapshot.Queue.Role {
        switch queue {
        case queues.recharge: .jobs(.money)
        case queues.status: .jobs(.questions)
        case queues.dead: .deadLetters
        default: .unroutedReplies
        }
    }
}

extension StatusSnapshot.Broker {
    /// - Parameter now: wall-clock time.
    init(_ connection: Connection, at now: Timestamp) {
        let status = connection.status
        self.init(role: connection.role, status: status, since: now + (status.changedAt - .now))
    }
}

// MARK: - What follows from it

extension StatusSnapshot {
    /// How many jobs of a kind are in a state, by the last reading of the ledger.
    func stored(_ kind: JobKind, in state: JobState) -> Int { sample.summary.stored[LedgerSummary.Key(kind, in: state)] ?? 0 }

    /// Recharges that may have been executed: in doubt, or a doubt that is left to a person.
    var doubts: Int { stored(.recharge, in: .inDoubt) + stored(.recharge, in: .parked) }

    /// Jobs that a person has to decide about.
    var leftToPerson: Int {
        JobKind.allCases.reduce(0) { $0 + stored($1, in: .parked) + stored($1, in: .held) }
    }

    /// Jobs of a lane that the ledger holds and that go on by themselves: those in flight, and those that wait for their time.
    func unfinished(_ lane: JobLane) -> Int {
        sample.summary.stored.reduce(0) { sum, entry in
            let (kind, state) = (entry.key.kind, entry.key.state)
            guard !state.isFinal, !state.needsManualReview, Job.lane(kind, in: state) == lane else { return sum }
            return sum + entry.value
        }
    }

    /// Since when no call to BOS was answered; `nil` while BOS answers.
    var unansweredSince: Timestamp? { worker?.lanes.values.compactMap(\.unansweredSince).min() }
}
