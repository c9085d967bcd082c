import AMQP
import ExactJSON
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

    /// From one search for pending PAN applications to the next.
    private static let applicationsInterval = Duration.seconds(60)

    /// One queue on the broker.
    struct Queue: Sendable {
        var name: String
        var messages: Int
        var consumers: Int
    }

    /// The last readings, for the status page and systemd's status line.
    struct Sample: Sendable {
        /// What was missing or different on the broker at the last check of the topology, one sentence each. The check may have mended it.
        var topology: [String] = []
        var queues: [Queue] = []
        var summary = LedgerSummary()
        /// The PAN applications that BOS has not decided, as they were a minute ago at most.
        var applications = PendingApplications()
        /// When the reply was stored that has been owed longest; `nil` if none is owed.
        var owedSince: Timestamp?
        /// Why the ledger cannot be read or written. `nil` if it can.
        var ledgerProblem: String? = "the ledger has not been read yet"
        var takenAt = ContinuousClock.now
        /// When the ledger was last searched for pending PAN applications, in the clock's uptime.
        fileprivate var applicationsReadAt: Duration?
    }

    private let connection: Connection
    private let ledger: any Ledger
    private let metrics = LedgerMetrics()
    private let clock: any EngineClock
    private let queues: [String]
    private let history: StatusHistory
    private let onUnwritable: (@Sendable (LedgerError) async -> Void)?
    private let messages: [String: Gauge]
    private let consumers: [String: Gauge]
    private let latest = Mutex(Sample())

    /// - Parameters:
    ///   - connection: reads the depths of the queues and checks the topology.
    ///   - queues: the names of the queues.
    ///   - history: gets each sample.
    ///   - onUnwritable: called when the ledger cannot be written. Each sample then makes a test write. `nil`: samples do not write.
    init(
        connection: Connection, ledger: any Ledger, clock: any EngineClock, queues: [String], history: StatusHistory,
        onUnwritable: (@Sendable (LedgerError) async -> Void)?
    ) {
        self.connection = connection
        self.ledger = ledger
        self.clock = clock
        self.queues = queues
        self.history = history
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
            sample.queues.append(Queue(name: queue, messages: Int(ready), consumers: Int(served)))
            messages[queue]?.record(ready)
            consumers[queue]?.record(served)
        }
        do throws(LedgerError) {
            try await readLedger(into: &sample)
            metrics.record(sample.summary, at: clock.now(), uptime: clock.uptime())
            try await checkWritable()
        } catch {
            sample.ledgerProblem = "\(error)"
        }
        history.record(sample.queues, at: clock.now(), uptime: clock.uptime())
        sample.takenAt = .now
        latest.withLock { latest in
            sample.topology = latest.topology
            latest = sample
        }
    }

    private func readLedger(into sample: inout Sample) async throws(LedgerError) {
        let last = latest.withLock { $0 }
        (sample.applications, sample.applicationsReadAt) = (last.applications, last.applicationsReadAt)
        sample.summary = try await ledger.summary()
        if sample.summary.unpublishedReplies > 0 {
            sample.owedSince = try await ledger.unpublishedReplies(after: nil, limit: 1).replies.first?.storedAt
        }
        if let readAt = last.applicationsReadAt, clock.uptime() - readAt < Self.applicationsInterval { return }
        sample.applications = try await ledger.pendingApplications()
        sample.applicationsReadAt = clock.uptime()
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

extension OutgoingReply {
    /// When the reply was stored. Its body says so: publishing.md#a-reply.
    fileprivate var storedAt: Timestamp? {
        (try? JSONValue.parse(body))?["completed_at"]?.text.flatMap { Timestamp(rfc3339: $0) }
    }
}
