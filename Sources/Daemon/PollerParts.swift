import AMQP
import JobEngine
import JobModel
import Ledger
import LedgerSQLite
import Logging
import Metrics
import Observability
import Synchronization

/// Everything a poller is made of, wired once. Nothing runs yet, and the ledger is not open: its worker may not have made it yet.
struct PollerParts: Sendable {
    /// Has no topology before the ledger is known: `Topology.pollerItems(ledger:)`.
    let connection: Connection
    let lock: LockWatch
    let topology: Topology
    let ledgerPath: String
    let configuration: Poller.Configuration
    let watchedQueues: [String]
    let progress = PollerProgress()
    let clock = SystemClock()

    init(_ settings: Settings, registry: PrometheusRegistry, logger: Logger) throws {
        ledgerPath = settings.ledger.url.path
        let reconnects = WorkerParts.reconnects("publish")
        let lock = LockWatch(heartbeat: settings.broker.heartbeat)
        self.lock = lock
        connection = try Connection(
            configuration: try settings.brokerConfiguration(), role: "publish",
            mode: settings.topology.mode,
            logger: logger
        ) { event in
            lock.note(event)
            if case .disconnected = event { reconnects.increment() }
        }
        topology = settings.topology
        configuration = settings.pollerConfiguration
        watchedQueues = [topology.queues.recharge, topology.queues.status]
        registry.observe([connection])
        registry.observe(.amqpBlocked) { [connection] in connection.status.isBlocked ? 1 : 0 }
    }

    var health: PollerHealth { PollerHealth(connection: connection, progress: progress, interval: configuration.interval) }

    func openLedger() async throws(LedgerError) -> SQLiteLedger {
        try await SQLiteLedger.openShared(SQLiteLedger.Configuration(path: ledgerPath, owner: ProcessName.make("bos-poller")))
    }

    func look(at lane: JobLane) async throws -> Poller.QueueState {
        let queue =
            switch lane {
            case .money: topology.queues.recharge
            case .questions: topology.queues.status
            }
        let depth = try await connection.depth(of: queue)
        return Poller.QueueState(ready: Int(depth.messages), consumers: Int(depth.consumers))
    }
}

/// What the poller did last, for its health.
final class PollerProgress: Sendable {
    struct State: Sendable {
        /// Why the ledger is not open; `nil` once it is.
        var ledgerProblem: String? = "the ledger has not been opened yet"
        var outcome = Poller.Outcome.done
        var lastRound = ContinuousClock.now
        var sampler: Sampler?
    }

    private let state = Mutex(State())

    var current: State { state.withLock { $0 } }

    func update(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }
}
