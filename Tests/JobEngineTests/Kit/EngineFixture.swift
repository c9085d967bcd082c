import AMQP
import ExactJSON
import JobModel
import Ledger
import Logging
import Synchronization
import Testing

@testable import JobEngine

/// A job executor with every neighbour replaced: a ledger in memory, a scripted BOS, a recording broker and a manual clock.
struct EngineFixture {
    let clock: ManualClock
    let ledger: FaultyLedger
    let broker: RecordingBroker
    let bos: ScriptedBOS
    let lanes: Lanes
    let outbox: Outbox
    let drain = DrainSignal()
    var executor: JobExecutor
    let calibrator: EnquiryCalibrator

    init(
        _ script: ScriptedBOS.Script = ScriptedBOS.Script(), purchaseGuard: PurchaseGuard? = nil, policy: RetryPolicy = Self.policy,
        lane: Lane.Configuration = Lane.Configuration(concurrency: 64), enquiresBy: EngineConfiguration.EnquiryName = .reference,
        logger: Logger = Self.silent
    ) {
        var configuration = EngineConfiguration()
        configuration.rules.registerID = "merchant"
        configuration.purchaseGuard = purchaseGuard
        configuration.policy = policy
        configuration.enquiresBy = enquiresBy
        self.init(
            clock: ManualClock(), ledger: FaultyLedger(), broker: RecordingBroker(), bos: ScriptedBOS(script),
            configuration: configuration, lane: lane, logger: logger)
    }

    /// The same ledger, broker and clock as seen by a process that has just started, under rules of its own if it has any.
    func restarted(_ rules: JobRules? = nil, policy: RetryPolicy? = nil, bos: ScriptedBOS? = nil) -> EngineFixture {
        var configuration = executor.context.configuration
        if let rules { configuration.rules = rules }
        if let policy { configuration.policy = policy }
        return EngineFixture(
            clock: clock, ledger: ledger, broker: broker, bos: bos ?? self.bos, configuration: configuration,
            lane: Lane.Configuration(concurrency: 64), logger: Self.silent)
    }

    private init(
        clock: ManualClock, ledger: FaultyLedger, broker: RecordingBroker, bos: ScriptedBOS, configuration: EngineConfiguration,
        lane: Lane.Configuration, logger: Logger
    ) {
        self.clock = clock
        self.ledger = ledger
        self.broker = broker
        self.bos = bos
        lanes = Lanes(
            money: Lane(.money, configuration: lane, clock: clock, logger: logger),
            questions: Lane(.questions, configuration: Lane.Configuration(concurrency: 32), clock: clock, logger: logger))
        let metrics = EngineMetrics()
        calibrator = EnquiryCalibrator(gateway: bos, ledger: ledger, configuration: configuration, clock: clock, logger: logger)
        calibrator.conclude(
            .passed(showsData: false, hasOwnNumbers: false), for: .init(registerID: "merchant", name: .reference), isCertain: true)
        outbox = Outbox(
            publisher: broker, ledger: ledger, configuration: configuration, clock: clock, metrics: metrics, logger: logger)
        executor = JobExecutor(
            EngineContext(
                configuration: configuration, ledger: ledger,
                gateway: RateLimitedBOS(
                    bos, lanes: lanes, ratePerSecond: nil, merchant: KnownMerchant(configured: "merchant"), clock: clock),
                outbox: outbox, lanes: lanes, calibrator: calibrator, drain: drain,
                runs: ActiveRuns(process: "process-\(UInt64.random(in: .min ... .max))"),
                clock: clock, metrics: metrics, logger: logger))
    }

    /// BOS has promised that "not found" is proof, and the enquiry was seen to find a recharge.
    static var policy: RetryPolicy {
        var policy = RetryPolicy()
        policy.notFound.meaning = .believe
        policy.destination = "bos"
        return policy
    }

    private static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

    var gate: ConsumptionGate { lanes.money.gate }

    var probe: PauseProbe {
        PauseProbe(
            gateway: bos, ledger: ledger, merchant: KnownMerchant(configured: "merchant"), configuration: executor.context.configuration)
    }
}

// MARK: - Deliveries

/// A message that an upstream publishes, and how the broker delivers it.
struct SentMessage {
    var body: String
    var kind = "recharge"
    var correlation: String? = "c1"
    var messageID: String?
    var replyTo: String?
    var traceparent: String?
    var isRedelivered = false
    /// `nil`: the size of the body.
    var announcedSize: UInt64?
    var isTruncated = false

    fileprivate var message: Message {
        var properties = Properties()
        properties.correlationID = correlation
        properties.messageID = messageID
        properties.replyTo = replyTo
        if let traceparent { properties.headers["traceparent"] = .string(traceparent) }
        return Message(body: Array(body.utf8), properties: properties)
    }
}

extension EngineFixture {
    /// Handles one message. Returns how its delivery was settled; `nil` if it was not settled exactly once.
    @discardableResult
    func handle(_ body: String, kind: String = "recharge", correlation: String? = "c1", replyTo: String? = nil) async -> Settlement? {
        await handle(SentMessage(body: body, kind: kind, correlation: correlation, replyTo: replyTo))
    }

    /// Handles one message. Returns how its delivery was settled; `nil` if it was not settled exactly once.
    @discardableResult
    func handle(_ sent: SentMessage) async -> Settlement? {
        await settlement(in: sent.kind == "recharge" ? .money : .questions) { onSettlement in
            Delivery(
                message: sent.message, route: .init(exchange: "bos.jobs", routingKey: sent.kind, queue: "bos.recharge"),
                isRedelivered: sent.isRedelivered, announcedSize: sent.announcedSize, isTruncated: sent.isTruncated,
                settle: onSettlement)
        }
    }

    /// Handles a message of the poller.
    func handle(_ message: Message, routingKey: String) async -> Settlement? {
        await settlement(in: routingKey == "recharge" ? .money : .questions) { onSettlement in
            Delivery(
                message: message, route: .init(exchange: "bos.jobs", routingKey: routingKey, queue: "queue"),
                announcedSize: UInt64(message.body.count), isTruncated: false, settle: onSettlement)
        }
    }

    private func settlement(
        in lane: JobLane, of delivery: (_ onSettlement: @escaping @Sendable (Settlement) -> Void) -> Delivery
    ) async -> Settlement? {
        let settlements = Mutex<[Settlement]>([])
        await executor.handle(delivery { settlement in settlements.withLock { $0.append(settlement) } }, in: lanes[lane])
        return settlements.withLock { $0.count == 1 ? $0[0] : nil }
    }

    /// Takes due jobs out of the ledger and handles them, as after a round of the poller. Returns how each delivery was settled.
    func poll() async throws -> [Settlement?] {
        let queue = RecordingBroker()
        #expect(await poller(queue).round() == .done)
        var settlements: [Settlement?] = []
        for publication in queue.publications {
            settlements.append(await handle(publication.message, routingKey: publication.routingKey))
        }
        return settlements
    }

    func poller(_ queue: RecordingBroker) -> Poller {
        Poller(
            ledger: ledger, publisher: queue, look: { _ in .init(ready: 0, consumers: 1) }, configuration: Poller.Configuration(),
            clock: clock, logger: Self.silent)
    }

    static func recharge(
        _ reference: String = "R1", subscriber: String = "9876543210", amount: String = "10", expiresAt: String? = nil,
        registerID: String? = nil
    ) -> String {
        let deadline = expiresAt.map { ",\"expires_at\":\"\($0)\"" } ?? ""
        let merchant = registerID.map { ",\"RegisterID\":\"\($0)\"" } ?? ""
        return
            "{\"operator\":311,\"canumber\":\"\(subscriber)\",\"amount\":\(amount),\"referenceid\":\"\(reference)\"\(deadline)\(merchant)}"
    }
}

// MARK: - Results

extension EngineFixture {
    /// The bodies of all messages that were published so far.
    var replies: [JSONValue] { broker.publications.compactMap { try? JSONValue.parse($0.message.body) } }

    func record(_ reference: String = "R1", kind: JobKind = .recharge) async throws -> JobRecord? {
        try await ledger.job(kind, reference: reference)?.record
    }
}

extension JSONValue {
    func text(_ name: String) -> String? { self[name]?.text }
}
