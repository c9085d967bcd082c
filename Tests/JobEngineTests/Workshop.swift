import AMQP
import ExactJSON
import JobModel
import Ledger
import Logging
import Synchronization

@testable import JobEngine

/// A handler with everything round it replaced: ledger in memory, scripted BOS, recording broker, manual clock.
struct Workshop {
    let clock: ManualClock
    let ledger: FaultyLedger
    let broker: RecordingBroker
    let bos: ScriptedBOS
    let gate: ConsumptionGate
    let outbox: Outbox
    let drain = DrainSignal()
    let handler: JobHandler

    init(_ script: ScriptedBOS.Script = ScriptedBOS.Script()) {
        self.init(ManualClock(), FaultyLedger(), RecordingBroker(), ScriptedBOS(script))
    }

    /// The same world seen by a process that has just started.
    func restarted() -> Workshop { Workshop(clock, ledger, broker, bos) }

    private init(_ clock: ManualClock, _ ledger: FaultyLedger, _ broker: RecordingBroker, _ bos: ScriptedBOS) {
        self.clock = clock
        self.ledger = ledger
        self.broker = broker
        self.bos = bos
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        gate = ConsumptionGate(clock: clock, logger: logger)
        let metrics = EngineMetrics()
        var configuration = EngineConfiguration()
        configuration.rules.registerID = "merchant"
        outbox = Outbox(
            publisher: broker, ledger: ledger, configuration: configuration, clock: clock, metrics: metrics, logger: logger)
        handler = JobHandler(
            configuration: configuration, ledger: ledger, gateway: bos, outbox: outbox, gate: gate, drain: drain,
            runs: LiveRuns(process: "process-\(UInt64.random(in: .min ... .max))"), clock: clock, metrics: metrics, logger: logger)
    }

    /// Handles one message and tells how it was let go of.
    @discardableResult
    func handle(
        _ body: String, kind: String = "recharge", correlation: String? = "c1", replyTo: String? = nil, traceparent: String? = nil,
        announcedSize: UInt64? = nil, isTruncated: Bool = false
    ) async -> Settlement? {
        var properties = Properties()
        properties.correlationID = correlation
        properties.replyTo = replyTo
        if let traceparent { properties.headers["traceparent"] = .string(traceparent) }
        let settled = Mutex<[Settlement]>([])
        let delivery = Delivery(
            message: Message(body: Array(body.utf8), properties: properties), exchange: "bos.jobs", routingKey: kind,
            queue: "bos.recharge", announcedSize: announcedSize, isTruncated: isTruncated
        ) { settlement in settled.withLock { $0.append(settlement) } }
        await handler.handle(delivery)
        let settlements = settled.withLock { $0 }
        return settlements.count == 1 ? settlements[0] : nil
    }

    /// What was published so far, as JSON.
    var replies: [JSONValue] { broker.publications.compactMap { try? JSONValue.parse($0.message.body) } }

    func record(_ reference: String = "R1", _ kind: JobKind = .recharge) async throws -> JobRecord? {
        try await ledger.job(kind, reference)?.record
    }

    static func recharge(_ reference: String = "R1", amount: String = "10", expiresAt: String? = nil) -> String {
        let deadline = expiresAt.map { ",\"expires_at\":\"\($0)\"" } ?? ""
        return "{\"operator\":311,\"canumber\":\"9876543210\",\"amount\":\(amount),\"referenceid\":\"\(reference)\"\(deadline)}"
    }
}

extension JSONValue {
    func text(_ name: String) -> String? { self[name]?.text }
}
