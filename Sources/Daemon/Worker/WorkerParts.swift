import AMQP
import BOSClient
import Events
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
    let lanes: Lanes
    let engine: Engine
    let probe: PauseProbe
    let calibrator: EnquiryCalibrator
    /// Where recharges go.
    let destination: String
    let sampler: Sampler
    let lock: LockWatch
    /// Consumers of the lock and of the marker, which carry nothing: a queue with a consumer does not expire, and its end is told at once.
    let claims: [Deliveries]
    let clock: any EngineClock

    init(_ settings: Settings, registry: PrometheusRegistry, logger: Logger) async throws {
        let clock = SystemClock()
        // First of all: a second worker on this ledger must not even connect.
        let name = ProcessName.make("bos-worker")
        let (ledger, identity) = try await Self.openLedger(settings.ledger, owner: name, logger)
        self.ledger = ledger
        let metrics = EngineMetrics()
        let lock = LockWatch(heartbeat: settings.broker.heartbeat)
        let broker = try settings.brokerConfiguration()
        let bond = ClusterBond()
        let topology = settings.topology
        let reconnects = ["consume", "publish"].map(Self.reconnects)
        consume = try Connection(
            configuration: broker, role: "consume",
            topology: topology.consumeItems(ledger: identity), mode: topology.mode, bond: (bond, .consuming), logger: logger
        ) { event in
            lock.note(event)
            if case .disconnected = event { reconnects[0].increment() }
        }
        publish = try Connection(
            configuration: broker, role: "publish", topology: topology.publishItems(ledger: identity), mode: topology.mode,
            bond: (bond, .publishing), logger: logger
        ) { event in
            if case .disconnected = event { reconnects[1].increment() }
        }
        claims = [topology.queues.lock, topology.queues.ledger].map { [consume] in consume.consume(queue: $0, prefetch: 1) }
        client = try BOSClient(configuration: settings.bosConfiguration, logger: logger)
        lanes = Lanes(
            money: Lane(.money, settings.laneConfiguration(.money), clock: clock, logger: logger),
            questions: Lane(.questions, settings.laneConfiguration(.questions), clock: clock, logger: logger))
        let configuration = settings.engineConfiguration
        destination = configuration.policy.destination
        outbox = Outbox(
            publisher: publish, ledger: ledger, configuration: configuration, clock: clock, metrics: metrics, logger: logger)
        let gateway = BOSClientGateway(client)
        let merchant = KnownMerchant(configured: configuration.rules.registerID)
        let limited = RateLimitedBOS(
            gateway, lanes: lanes, ratePerSecond: settings.ratePerSecond.map(Double.init), merchant: merchant, clock: clock)
        calibrator = EnquiryCalibrator(gateway: limited, ledger: ledger, configuration: configuration, clock: clock, logger: logger)
        let jobs = JobExecutor(
            EngineContext(
                configuration: configuration, ledger: ledger, gateway: limited,
                outbox: outbox, lanes: lanes, calibrator: calibrator, drain: DrainSignal(), runs: ActiveRuns(process: name), clock: clock,
                metrics: metrics,
                logger: logger))
        engine = Engine(
            jobs,
            sources: [
                (
                    lanes.money,
                    consume.consume(queue: topology.queues.recharge, prefetch: UInt16(settings.lane.limit.maximum), isSole: true)
                ),
                (
                    lanes.questions,
                    consume.consume(queue: topology.queues.status, prefetch: UInt16(settings.statusConcurrency), isSole: true)
                ),
            ],
            executor: client.executor)
        probe = PauseProbe(
            gateway: gateway, ledger: ledger, merchant: merchant, timeout: configuration.requestTimeout)
        sampler = Sampler(connection: consume, ledger: ledger, clock: clock, queues: topology.watchedQueues) { [lanes] error in
            await lanes.close(.ledger, "\(error)")
        }
        registry.observe([consume, publish])
        registry.observe(publishing: publish)
        registry.observe(tokenOf: client, clock)
        Self.observe(lanes, registry)
        registry.observe(.enquiryUnreliable) { [calibrator] in Double(calibrator.problems.count) }
        self.lock = lock
        self.clock = clock
    }
}

extension WorkerParts {
    private static func openLedger(
        _ settings: LedgerSettings, owner: String, _ logger: Logger
    ) async throws(DaemonError) -> (any Ledger, identity: String) {
        let commitDuration = Timer(label: "bos_ledger_commit_duration_seconds")
        let commitRows = Recorder(label: "bos_ledger_commit_rows")
        switch settings.url {
        case .postgreSQL: throw .postgreSQLNotBuilt
        case .sqlite(let path):
            do throws(LedgerError) {
                var configuration = SQLiteLedger.Configuration(path: path, owner: owner)
                configuration.onRepair = { logger.log(.ledgerFilePrivate, ["detail": "\($0)"]) }
                let ledger = try await SQLiteLedger.open(configuration) { duration, rows in
                    commitDuration.record(duration: duration)
                    commitRows.record(rows)
                }
                return (ledger, try await ledger.identity())
            } catch {
                throw .ledger("sqlite:\(path)", error)
            }
        }
    }

    private static func observe(_ lanes: Lanes, _ registry: PrometheusRegistry) {
        registry.observe(.breakerState) { Double(lanes.money.breakerState.rawValue) }
        registry.observe(.questionsBreakerState) { Double(lanes.questions.breakerState.rawValue) }
        for lane in lanes.all {
            for reason in PauseReason.allCases {
                registry.observe(.consumptionPaused, dimensions: [("lane", "\(lane.name)"), ("reason", reason.rawValue)]) {
                    lane.gate.pauses[reason] == nil ? 0 : 1
                }
            }
        }
        for kind in JobKind.allCases {
            let lane = kind == .recharge ? lanes.money : lanes.questions
            registry.observe(.concurrencyLimit, dimensions: [("kind", kind.rawValue)]) { Double(lane.limit) }
        }
    }

    static func reconnects(_ role: String) -> Counter { Counter(label: "bos_amqp_reconnects_total", dimensions: [("role", role)]) }
}
