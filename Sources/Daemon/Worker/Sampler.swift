import AMQP
import BOSClient
import JobEngine
import JobModel
import Ledger
import Logging
import Metrics
import Observability
import Synchronization

/// Looks every few seconds at what no event tells: queue depths, the ledger's counts, the state of connections and token.
final class Sampler: Sendable {
    static let interval = Duration.seconds(5)
    /// Between two looks at the topology. A look at one that is in order costs one answer of the broker's.
    static let topologyInterval = Duration.seconds(2)

    /// What was seen last, for the status page and systemd's status line.
    struct Sample: Sendable {
        /// What was missing or different on the broker at the last look at the topology, mended or not; a sentence each.
        var topology: [String] = []
        var queues: [(name: String, messages: Int, consumers: Int)] = []
        var summary = LedgerSummary()
        var ledgerProblem: String? = "the ledger has not been looked at yet"
        var takenAt = ContinuousClock.now
    }

    private let connection: Connection
    private let ledger: any Ledger
    private let metrics = LedgerMetrics()
    private let clock: any EngineClock
    private let queues: [String]
    private let pause: (@Sendable (LedgerError) async -> Void)?
    private let messages: [String: Gauge]
    private let consumers: [String: Gauge]
    private let latest = Mutex(Sample())

    /// - Parameters:
    ///   - connection: asks for the depth of the queues.
    ///   - pause: stops consuming because the ledger cannot be written; each sample writes to it to see that. `nil`: no sample writes.
    init(
        connection: Connection, ledger: any Ledger, clock: any EngineClock, queues: [String],
        pause: (@Sendable (LedgerError) async -> Void)?
    ) {
        self.connection = connection
        self.ledger = ledger
        self.clock = clock
        self.queues = queues
        self.pause = pause
        func gauges(_ label: String) -> [String: Gauge] {
            Dictionary(uniqueKeysWithValues: queues.map { ($0, Gauge(label: label, dimensions: [("queue", $0)])) })
        }
        messages = gauges("bos_queue_messages")
        consumers = gauges("bos_queue_consumers")
    }

    var sample: Sample { latest.withLock { $0 } }

    /// Samples until cancelled.
    func run() async {
        async let topology: Void = watchTopology()
        while !Task.isCancelled {
            await look()
            await clock.sleep(for: Self.interval)
        }
        await topology
    }

    private func watchTopology() async {
        while !Task.isCancelled {
            let findings = (try? await connection.inspectTopology()) ?? []
            latest.withLock { $0.topology = findings }
            await clock.sleep(for: Self.topologyInterval)
        }
    }

    private func look() async {
        var sample = Sample()
        sample.ledgerProblem = nil
        for queue in queues {
            // Without a session there is nothing to see; the gauge keeps what was seen last.
            guard let (ready, served) = try? await connection.depth(of: queue) else { continue }
            sample.queues.append((queue, Int(ready), Int(served)))
            messages[queue]?.record(ready)
            consumers[queue]?.record(served)
        }
        do throws(LedgerError) {
            sample.summary = try await ledger.summary()
            metrics.record(sample.summary, at: clock.now(), uptime: clock.uptime())
            try await checkWritable()
        } catch {
            sample.ledgerProblem = "\(error)"
        }
        sample.takenAt = .now
        latest.withLock { latest in
            sample.topology = latest.topology
            latest = sample
        }
    }

    private func checkWritable() async throws(LedgerError) {
        guard let pause else { return }
        do throws(LedgerError) {
            try await ledger.checkWritable()
        } catch {
            // At the process's end it is closed before the last sample may be taken.
            if error != .closed { await pause(error) }
            throw error
        }
    }
}

/// Values that somebody else keeps are read when they are scraped.
extension PrometheusRegistry {
    func observe(_ connections: [Connection]) {
        for connection in connections {
            observe(.amqpConnected, dimensions: [("role", connection.role)]) { connection.status.isConnected ? 1 : 0 }
        }
    }

    /// What is published through this connection.
    func observe(publishing connection: Connection) {
        observe(.amqpBlocked) { connection.status.isBlocked ? 1 : 0 }
        observe(.repliesUnconfirmed) { Double(connection.status.unconfirmed) }
    }

    func observe(tokenOf client: BOSClient, _ clock: any EngineClock) {
        observe(.tokenExpires) { client.credentialState.expiresAt.map { $0 - Double(clock.now().milliseconds) / 1_000 } }
    }
}
