import AMQP
import JobEngine
import JobModel
import Ledger
import Logging
import Metrics
import Synchronization

/// Reads every few seconds what no event reports: the depths of the queues, the counts of the ledger, and differences in the topology.
final class Sampler: Sendable {
    /// The pause between two samples.
    static let interval = Duration.seconds(5)
    /// The pause between two checks of the topology. A check without a finding costs the broker one answer.
    static let topologyInterval = Duration.seconds(2)

    /// The last readings, for the status page and systemd's status line.
    struct Sample: Sendable {
        /// What was missing or different on the broker at the last check of the topology, one sentence each. The check may have mended it.
        var topology: [String] = []
        var queues: [(name: String, messages: Int, consumers: Int)] = []
        var summary = LedgerSummary()
        /// Why the ledger cannot be read or written. `nil` if it can.
        var ledgerProblem: String? = "the ledger has not been read yet"
        var takenAt = ContinuousClock.now
    }

    private let connection: Connection
    private let ledger: any Ledger
    private let metrics = LedgerMetrics()
    private let clock: any EngineClock
    private let queues: [String]
    private let onUnwritable: (@Sendable (LedgerError) async -> Void)?
    private let messages: [String: Gauge]
    private let consumers: [String: Gauge]
    private let latest = Mutex(Sample())

    /// - Parameters:
    ///   - connection: reads the depths of the queues and checks the topology.
    ///   - queues: the names of the queues.
    ///   - onUnwritable: called when the ledger cannot be written. Each sample then makes a test write. `nil`: samples do not write.
    init(
        connection: Connection, ledger: any Ledger, clock: any EngineClock, queues: [String],
        onUnwritable: (@Sendable (LedgerError) async -> Void)?
    ) {
        self.connection = connection
        self.ledger = ledger
        self.clock = clock
        self.queues = queues
        self.onUnwritable = onUnwritable
        func gauges(_ label: String) -> [String: Gauge] {
            Dictionary(uniqueKeysWithValues: queues.map { ($0, Gauge(label: label, dimensions: [("queue", $0)])) })
        }
        messages = gauges("bos_queue_messages")
        consumers = gauges("bos_queue_consumers")
    }

    /// The last sample.
    var sample: Sample { latest.withLock { $0 } }

    /// Samples until cancelled.
    func run() async {
        async let topology: Void = watchTopology()
        while !Task.isCancelled {
            await takeSample()
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

    private func takeSample() async {
        var sample = Sample()
        sample.ledgerProblem = nil
        for queue in queues {
            // Without a session there is no depth to read. The gauge keeps its last value.
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
        guard let onUnwritable else { return }
        do throws(LedgerError) {
            try await ledger.checkWritable()
        } catch {
            // When the process ends, the ledger is closed while a sample may still be running.
            if error != .closed { await onUnwritable(error) }
            throw error
        }
    }
}
