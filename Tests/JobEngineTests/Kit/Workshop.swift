import AMQP
import ExactJSON
import JobModel
import Ledger
import Logging
import Synchronization
import Testing

@testable import JobEngine

/// A handler with everything round it replaced: ledger in memory, scripted BOS, recording broker, manual clock.
struct Workshop {
    let clock: ManualClock
    let ledger: FaultyLedger
    let broker: RecordingBroker
    let bos: ScriptedBOS
    let lanes: Lanes
    let outbox: Outbox
    let drain = DrainSignal()
    let handler: JobExecutor
    let calibrator: EnquiryCalibrator

    init(
        _ script: ScriptedBOS.Script = ScriptedBOS.Script(), purchaseGuard: PurchaseGuard? = nil, policy: RetryPolicy = Self.policy,
        lane: Lane.Configuration = Lane.Configuration(concurrency: 64), enquiresBy: EngineConfiguration.EnquiryName = .reference,
        logger: Logger? = nil
    ) {
        self.init(
            ManualClock(), FaultyLedger(), RecordingBroker(), ScriptedBOS(script), purchaseGuard, Self.rules, policy, lane, enquiresBy,
            logger)
    }

    var gate: ConsumptionGate { lanes.money.gate }

    /// The owner has BOS's word that "not found" is proof, and the enquiry was seen to find a recharge.
    static var policy: RetryPolicy {
        var policy = RetryPolicy()
        policy.settle.notFound = .believe
        policy.destination = "bos"
        return policy
    }

    private static var rules: JobRules {
        var rules = JobRules()
        rules.registerID = "merchant"
        return rules
    }

    /// The same world seen by a process that has just started, under rules of its own if it has any.
    func restarted(_ rules: JobRules? = nil, policy: RetryPolicy? = nil, bos: ScriptedBOS? = nil) -> Workshop {
        let configuration = handler.context.configuration
        return Workshop(
            clock, ledger, broker, bos ?? self.bos, configuration.purchaseGuard, rules ?? configuration.rules,
            policy ?? configuration.policy, Lane.Configuration(concurrency: 64), configuration.enquiresBy)
    }

    private init(
        _ clock: ManualClock, _ ledger: FaultyLedger, _ broker: RecordingBroker, _ bos: ScriptedBOS, _ purchaseGuard: PurchaseGuard?,
        _ rules: JobRules, _ policy: RetryPolicy, _ lane: Lane.Configuration, _ enquiresBy: EngineConfiguration.EnquiryName,
        _ logger: Logger? = nil
    ) {
        self.clock = clock
        self.ledger = ledger
        self.broker = broker
        self.bos = bos
        let logger = logger ?? Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        lanes = Lanes(
            money: Lane(.money, lane, clock: clock, logger: logger),
            questions: Lane(.questions, Lane.Configuration(concurrency: 32), clock: clock, logger: logger))
        let metrics = EngineMetrics()
        var configuration = EngineConfiguration()
        configuration.rules = rules
        configuration.purchaseGuard = purchaseGuard
        configuration.policy = policy
        configuration.enquiresBy = enquiresBy
        calibrator = EnquiryCalibrator(gateway: bos, ledger: ledger, configuration: configuration, clock: clock, logger: logger)
        calibrator.conclude(
            .passed(showsData: false, hasOwnNumbers: false), .init(registerID: "merchant", name: .reference), isCertain: true)
        outbox = Outbox(
            publisher: broker, ledger: ledger, configuration: configuration, clock: clock, metrics: metrics, logger: logger)
        handler = JobExecutor(
            EngineContext(
                configuration: configuration, ledger: ledger,
                gateway: RateLimitedBOS(
                    bos, lanes: lanes, ratePerSecond: nil, merchant: KnownMerchant(configured: "merchant"), clock: clock),
                outbox: outbox, lanes: lanes, calibrator: calibrator, drain: drain,
                runs: ActiveRuns(process: "process-\(UInt64.random(in: .min ... .max))"),
                clock: clock, metrics: metrics, logger: logger))
    }

    /// Handles one message and tells how it was let go of.
    @discardableResult
    func handle(
        _ body: String, kind: String = "recharge", correlation: String? = "c1", messageID: String? = nil, replyTo: String? = nil,
        traceparent: String? = nil, isRedelivered: Bool = false, announcedSize: UInt64? = nil, isTruncated: Bool = false,
        lane: JobLane? = nil
    ) async -> Settlement? {
        var properties = Properties()
        properties.correlationID = correlation
        properties.messageID = messageID
        properties.replyTo = replyTo
        if let traceparent { properties.headers["traceparent"] = .string(traceparent) }
        let settled = Mutex<[Settlement]>([])
        let delivery = Delivery(
            message: Message(body: Array(body.utf8), properties: properties), exchange: "bos.jobs", routingKey: kind,
            queue: "bos.recharge", isRedelivered: isRedelivered, announcedSize: announcedSize, isTruncated: isTruncated
        ) { settlement in settled.withLock { $0.append(settlement) } }
        await handler.handle(delivery, in: lanes[lane ?? (kind == "recharge" ? .money : .questions)])
        let settlements = settled.withLock { $0 }
        return settlements.count == 1 ? settlements[0] : nil
    }

    /// Takes what is due out of the ledger and handles it, as after a round of the poller. Returns how each was let go of.
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
            clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func handle(_ message: Message, routingKey: String) async -> Settlement? {
        let settled = Mutex<Settlement?>(nil)
        let delivery = Delivery(
            message: message, exchange: "bos.jobs", routingKey: routingKey, queue: "queue", announcedSize: UInt64(message.body.count),
            isTruncated: false
        ) { settlement in settled.withLock { $0 = settlement } }
        await handler.handle(delivery, in: lanes[routingKey == "recharge" ? .money : .questions])
        return settled.withLock { $0 }
    }

    var probe: PauseProbe {
        PauseProbe(gateway: bos, ledger: ledger, merchant: KnownMerchant(configured: "merchant"), timeout: .seconds(1))
    }

    /// What was published so far, as JSON.
    var replies: [JSONValue] { broker.publications.compactMap { try? JSONValue.parse($0.message.body) } }

    func record(_ reference: String = "R1", _ kind: JobKind = .recharge) async throws -> JobRecord? {
        try await ledger.job(kind, reference: reference)?.record
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

extension JSONValue {
    func text(_ name: String) -> String? { self[name]?.text }
}
