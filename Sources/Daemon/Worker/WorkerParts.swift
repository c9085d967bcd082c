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

/// All parts of a worker, wired once at the start. Nothing runs yet.
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
    /// The API and account that recharges are sent to.
    let destination: String
    let sampler: Sampler
    let lock: LockWatch
    /// The consumers of the guard queues (lock and marker), which carry no messages. A queue with a consumer does not expire, and the
    /// broker reports its end to the consumer at once.
    let guardConsumers: [Deliveries]
    let clock: any EngineClock
    /// BOS with its limits.
    let gateway: RateLimitedBOS
    let memory: StatusMemory
    let settings: Settings

    /// - Throws: ``DaemonError`` if the ledger cannot be opened, ``AMQPURLError`` or `BOSConfigurationError` for a wrong setting,
    ///   `DedicatedThreadError` if the system cannot start a thread.
    init(_ settings: Settings, memory: StatusMemory, logger: Logger) async throws {
        let clock = SystemClock()
        self.memory = memory
        self.settings = settings
        // The ledger is opened first. A second worker on the same ledger fails here, before it connects to the broker.
        let name = ProcessName.make("bos-worker")
        let (ledger, identity) = try await Self.openLedger(settings.ledgerPath, owner: name, logger: logger)
        self.ledger = ledger
        let metrics = EngineMetrics()
        let lock = LockWatch(heartbeat: settings.broker.heartbeat)
        let broker = try settings.brokerConfiguration()
        let affinity = ClusterAffinity()
        let topology = settings.topology
        let reconnects = ["consume", "publish"].map { Self.reconnectCounter(role: $0) }
        consume = try Connection(
            configuration: broker, role: "consume",
            topology: TopologyPlan(topology.consumeItems(ledger: identity), mode: topology.mode),
            affinity: (affinity, .consuming), logger: logger
        ) { event in
            lock.observe(event)
            if case .disconnected = event { reconnects[0].increment() }
        }
        publish = try Connection(
            configuration: broker, role: "publish", topology: TopologyPlan(topology.publishItems(ledger: identity), mode: topology.mode),
            affinity: (affinity, .publishing), logger: logger
        ) { event in
            if case .disconnected = event { reconnects[1].increment() }
        }
        guardConsumers = [topology.queues.lock, topology.queues.ledger].map { [consume] in consume.consume(queue: $0, prefetch: 1) }
        client = try BOSClient(configuration: settings.bosConfiguration, logger: logger)
        lanes = Self.makeLanes(settings, clock: clock, logger: logger)
        let configuration = settings.engineConfiguration
        destination = configuration.policy.destination
        outbox = Outbox(
            publisher: publish, ledger: ledger, configuration: configuration, clock: clock, metrics: metrics, logger: logger)
        let plain = BOSClientGateway(client)
        let merchant = KnownMerchant(configured: configuration.rules.registerID)
        gateway = RateLimitedBOS(
            plain, lanes: lanes, ratePerSecond: settings.ratePerSecond.map(Double.init), merchant: merchant, clock: clock)
        calibrator = EnquiryCalibrator(gateway: gateway, ledger: ledger, configuration: configuration, clock: clock, logger: logger)
        let jobs = JobExecutor(
            EngineContext(
                configuration: configuration, ledger: ledger, gateway: gateway,
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
        probe = PauseProbe(gateway: plain, ledger: ledger, merchant: merchant, configuration: configuration)
        sampler = Sampler(
            connection: consume, ledger: ledger, clock: clock, queues: topology.watchedQueues, history: memory.history
        ) { [lanes] error in
            await lanes.close(.ledger, detail: "\(error)")
        }
        self.lock = lock
        self.clock = clock
        observe(in: memory.registry)
    }
}

extension WorkerParts {
    private static func openLedger(
        _ path: String, owner: String, logger: Logger
    ) async throws(DaemonError) -> (any Ledger, identity: String) {
        let commitDuration = Timer(label: "bos_ledger_commit_duration_seconds")
        let commitRows = Recorder(label: "bos_ledger_commit_rows")
        do throws(LedgerError) {
            var configuration = SQLiteLedger.Configuration(path: path, owner: owner)
            configuration.onRepair = { logger.log(.ledgerFilePrivate, metadata: ["detail": "\($0)"]) }
            let ledger = try await SQLiteLedger.open(configuration) { duration, rows in
                commitDuration.record(duration: duration)
                commitRows.record(rows)
            }
            return (ledger, try await ledger.identity())
        } catch {
            throw .ledger("sqlite:\(path)", error)
        }
    }

    private static func makeLanes(_ settings: Settings, clock: any EngineClock, logger: Logger) -> Lanes {
        Lanes(
            money: Lane(.money, configuration: settings.laneConfiguration(.money), clock: clock, logger: logger),
            questions: Lane(.questions, configuration: settings.laneConfiguration(.questions), clock: clock, logger: logger))
    }

    /// Registers the gauges whose values these parts keep.
    private func observe(in registry: PrometheusRegistry) {
        registry.observe([consume, publish])
        registry.observe(publishing: publish)
        registry.observe(tokenOf: client, clock: clock)
        registry.observe(.enquiryUnreliable) { [calibrator] in Double(calibrator.problems.count) }
        registry.observe(.breakerState) { [lanes] in Double(lanes.money.breakerState.rawValue) }
        registry.observe(.questionsBreakerState) { [lanes] in Double(lanes.questions.breakerState.rawValue) }
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

    /// Counts the lost sessions of one connection. `role` is `consume` or `publish`.
    static func reconnectCounter(role: String) -> Counter { Counter(label: "bos_amqp_reconnects_total", dimensions: [("role", role)]) }
}

/// Gauges whose value another part keeps. Each scrape reads the value.
extension PrometheusRegistry {
    /// Whether each connection is up.
    func observe(_ connections: [Connection]) {
        for connection in connections {
            observe(.amqpConnected, dimensions: [("role", connection.role)]) { connection.status.isConnected ? 1 : 0 }
        }
    }

    /// The state of the connection that publishes replies.
    func observe(publishing connection: Connection) {
        observe(.amqpBlocked) { connection.status.isBlocked ? 1 : 0 }
        observe(.repliesUnconfirmed) { Double(connection.status.unconfirmed) }
    }

    /// The seconds until the bearer token expires.
    func observe(tokenOf client: BOSClient, clock: any EngineClock) {
        observe(.tokenExpires) { client.credentialState.expiresAt.map { $0 - Double(clock.now().milliseconds) / 1_000 } }
    }
}
