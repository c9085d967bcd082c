import AMQP
import BOSClient
import Glibc
import JobEngine
import JobModel
import Ledger
import LedgerSQLite
import Logging
import Metrics
import Observability

/// Everything a worker is made of, wired once. Nothing runs yet.
struct WorkerParts: Sendable {
    let consume: Connection
    let publish: Connection
    let client: BOSClient
    let ledger: any Ledger
    let outbox: Outbox
    let gate: ConsumptionGate
    let engine: Engine
    let probe: PauseProbe
    let sampler: Sampler
    let lock: LockWatch
    let clock: any EngineClock

    init(_ settings: Settings, registry: PrometheusRegistry, logger: Logger) async throws {
        let clock = SystemClock()
        // First of all: a second worker on this ledger must not even connect.
        let name = Self.processName(clock)
        ledger = try await Self.openLedger(settings.ledger, owner: name)
        let metrics = EngineMetrics()
        let lock = LockWatch(heartbeat: settings.amqp.heartbeat)
        let broker = try settings.brokerConfiguration(name: "bos-worker")
        let mode: TopologyMode = settings.amqp.declareTopology ? .declare : .check
        let reconnects = ["consume", "publish"].map { Counter(label: "bos_amqp_reconnects_total", dimensions: [("role", $0)]) }
        consume = try Connection(
            configuration: broker, role: "consume",
            topology: settings.amqp.topology + [.exclusiveQueue(name: settings.amqp.queues.lock)], mode: mode, logger: logger
        ) { event in
            lock.note(event)
            if case .disconnected = event { reconnects[0].increment() }
        }
        publish = try Connection(
            configuration: broker, role: "publish", topology: settings.amqp.topology, mode: mode, logger: logger
        ) { event in
            if case .disconnected = event { reconnects[1].increment() }
        }
        client = try BOSClient(configuration: settings.bosConfiguration, logger: logger)
        gate = ConsumptionGate(clock: clock, logger: logger)
        let configuration = settings.engineConfiguration
        outbox = Outbox(
            publisher: publish, ledger: ledger, configuration: configuration, clock: clock, metrics: metrics, logger: logger)
        let gateway = BOSClientGateway(client)
        let handler = JobHandler(
            configuration: configuration, ledger: ledger, gateway: gateway, outbox: outbox, gate: gate, drain: DrainSignal(),
            runs: LiveRuns(process: name), clock: clock, metrics: metrics, logger: logger)
        engine = Engine(
            handler: handler,
            sources: [
                consume.consume(queue: settings.amqp.queues.recharge, prefetch: UInt16(settings.jobs.rechargeConcurrency)),
                consume.consume(queue: settings.amqp.queues.status, prefetch: UInt16(settings.jobs.statusConcurrency)),
            ],
            executor: client.executor)
        probe = PauseProbe(
            gateway: gateway, ledger: ledger, registerID: settings.api.registerID ?? "", timeout: settings.api.requestTimeout)
        sampler = Sampler(
            consume: consume, publish: publish, ledger: ledger, client: client, metrics: metrics, clock: clock,
            queues: settings.amqp.watchedQueues, registry: registry)
        self.lock = lock
        self.clock = clock
    }
}

extension WorkerParts {
    private static func openLedger(_ settings: LedgerSettings, owner: String) async throws(WorkerError) -> any Ledger {
        let commitDuration = Timer(label: "bos_ledger_commit_duration_seconds")
        let commitRows = Recorder(label: "bos_ledger_commit_rows")
        switch settings.url {
        case .postgreSQL: throw .postgreSQLNotBuilt
        case .sqlite(let path):
            do throws(LedgerError) {
                return try await SQLiteLedger.open(SQLiteLedger.Configuration(path: path, owner: owner)) { duration, rows in
                    commitDuration.record(duration: duration)
                    commitRows.record(rows)
                }
            } catch {
                throw .ledger("sqlite:\(path)", error)
            }
        }
    }

    /// Names this start of this process, for the ledger: no other start has the same name.
    private static func processName(_ clock: some EngineClock) -> String {
        "bos-worker-\(getpid())-\(clock.now().milliseconds)"
    }
}
