import AMQP
import JobEngine
import JobModel
import Ledger
import LedgerSQLite
import Logging
import Metrics
import Observability
import Synchronization

/// All parts of a poller, wired once at the start. Nothing runs yet. The ledger is not open, because the worker may not have created it.
struct PollerParts: Sendable {
    /// Has no topology until the ledger is open, because `Topology.pollerItems(ledger:)` needs the ledger's identity.
    let connection: Connection
    let lock: LockWatch
    let topology: Topology
    let ledgerPath: String
    let configuration: Poller.Configuration
    let watchedQueues: [String]
    let progress = PollerProgress()
    let memory: StatusMemory
    let clock = SystemClock()

    /// - Throws: ``AMQPURLError`` for a wrong URL in `amqp.urls`, `DedicatedThreadError` if the system cannot start a thread.
    init(_ settings: Settings, memory: StatusMemory, logger: Logger) throws {
        self.memory = memory
        ledgerPath = settings.ledgerPath
        let reconnects = WorkerParts.reconnectCounter(role: "publish")
        let lock = LockWatch(heartbeat: settings.broker.heartbeat)
        self.lock = lock
        connection = try Connection(
            configuration: try settings.brokerConfiguration(), role: "publish",
            topology: TopologyPlan(mode: settings.topology.mode),
            logger: logger
        ) { event in
            lock.observe(event)
            if case .disconnected = event { reconnects.increment() }
        }
        topology = settings.topology
        configuration = settings.pollerConfiguration
        watchedQueues = [topology.queues.recharge, topology.queues.status]
        memory.registry.observe([connection])
        memory.registry.observe(.amqpBlocked) { [connection] in connection.status.isBlocked ? 1 : 0 }
    }

    /// What these parts report.
    var health: PollerHealth {
        PollerHealth(
            connection: connection, progress: progress, interval: configuration.interval, topology: topology, memory: memory, clock: clock)
    }

    /// Opens the ledger beside its worker.
    func openLedger() async throws(LedgerError) -> SQLiteLedger {
        try await SQLiteLedger.openShared(SQLiteLedger.Configuration(path: ledgerPath, owner: ProcessName.make("bos-poller")))
    }

    /// The state of a lane's queue on the broker.
    /// - Throws: an error of the connection while the broker cannot answer.
    func queueState(of lane: JobLane) async throws -> Poller.QueueState {
        let queue =
            switch lane {
            case .money: topology.queues.recharge
            case .questions: topology.queues.status
            }
        let depth = try await connection.depth(of: queue)
        return Poller.QueueState(ready: Int(depth.messages), consumers: Int(depth.consumers))
    }
}

/// What the poller did last. `PollerHealth` reports it.
final class PollerProgress: Sendable {
    struct State: Sendable {
        /// Why the ledger is not open. `nil` once it is open.
        var ledgerProblem: String? = "the ledger has not been opened yet"
        /// How the last round ended.
        var outcome = Poller.RoundResult.done
        /// When the last round ended. Also the last attempt to open the ledger or to reach the broker, so that waiting counts as progress.
        var lastRound = ContinuousClock.now
        /// `nil` until the ledger is open.
        var sampler: Sampler?
    }

    private let state = Mutex(State())

    var current: State { state.withLock { $0 } }

    func update(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }
}
