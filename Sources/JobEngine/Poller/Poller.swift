import AMQP
import Events
package import JobModel
package import Ledger
package import Logging
import Metrics
private import Synchronization

/// Puts jobs that wait in the ledger back on their queue when they are due: the longest due first, and only so many at a time. What others
/// have put on the queue does not count: a doubt must not wait until an upstream's questions leave room.
///
/// A job is leased, published with confirm, and only then marked. A poller that dies in between has lost nothing: the lease ends, and the
/// job is put on its queue once more, which does no harm because a job of one reference is worked on once. Several pollers share the work.
package struct Poller: Sendable {
    package struct Configuration: Sendable {
        /// How often the ledger is asked.
        package var interval = Duration.seconds(1)
        /// Jobs of the ledger in one queue that no run has taken up yet.
        package var queueLimit = 1_000
        /// How long a poller may take to publish what it has leased.
        package var lease = Duration.seconds(60)
        /// Jobs leased at once.
        package var batch = 100
        package var exchange = EngineConfiguration.Exchanges().jobs
        /// What is due later than that was stored by a clock that has been set back.
        package var longestPauses = RetryPolicy().longestPauses

        package init() {}
    }

    /// A lane's queue as the broker sees it.
    package struct QueueState: Sendable {
        package var ready: Int
        package var consumers: Int

        package init(ready: Int, consumers: Int) {
            self.ready = ready
            self.consumers = consumers
        }

        /// Whether a message that no worker has taken for a long time only waits for a worker that takes any.
        fileprivate var waitsForConsumer: Bool { ready > 0 && consumers == 0 }
    }

    /// Throws while the broker cannot be asked.
    package typealias Look = @Sendable (JobLane) async throws -> QueueState

    private let ledger: any Ledger
    private let publisher: any MessagePublisher
    private let look: Look
    private let clockWatch = ClockWatch()
    private let configuration: Configuration
    private let clock: any EngineClock
    private let logger: Logger
    private let requeued: [JobKind: Counter]

    package init(
        ledger: any Ledger, publisher: any MessagePublisher, look: @escaping Look, configuration: Configuration, clock: any EngineClock,
        logger: Logger
    ) {
        self.ledger = ledger
        self.publisher = publisher
        self.look = look
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        requeued = Dictionary(
            uniqueKeysWithValues: JobKind.allCases.map {
                ($0, Counter(label: "bos_requeued_total", dimensions: [("kind", $0.rawValue)]))
            })
    }

    /// Works until cancelled. Returns after the round under way.
    package func run(_ report: @Sendable (Outcome) -> Void) async {
        var log = TroubleLog(logger: logger, patience: configuration.lease * 2)
        while !Task.isCancelled {
            let outcome = await round()
            report(outcome)
            // A round that was called off says nothing of ledger or broker.
            if !Task.isCancelled { log.note(outcome, at: clock.uptime()) }
            if outcome != .more { await clock.sleep(for: configuration.interval) }
        }
    }

    /// Each trouble is told once, not with every round, and its end once it has stayed away for longer than what was leased in it.
    private struct TroubleLog {
        let logger: Logger
        let patience: Duration
        private var told: String?
        private var last = Duration.zero

        init(logger: Logger, patience: Duration) {
            self.logger = logger
            self.patience = patience
        }

        mutating func note(_ outcome: Outcome, at uptime: Duration) {
            if let trouble = outcome.trouble {
                last = uptime
                guard trouble != told else { return }
                told = trouble
                logger.log(.requeueFailing, metadata: ["reason": "\(trouble)"])
            } else if told != nil, uptime - last > patience {
                told = nil
                logger.log(.requeueRecovered)
            }
        }
    }

    package enum Outcome: Sendable, Equatable {
        /// Nothing more is due that there is room for.
        case done
        /// More may be due.
        case more
        /// Could not be finished; one sentence for people.
        case troubled(String)

        package var trouble: String? {
            switch self {
            case .done, .more: nil
            case .troubled(let detail): detail
            }
        }
    }

    /// One look at each lane. Questions first: doubts are among them.
    package func round() async -> Outcome {
        let outcomes = [await bringForward(), await round(.questions), await round(.money)]
        // The trouble of one lane is not the other's, but it is what people have to hear of.
        return outcomes.first { $0.trouble != nil } ?? (outcomes.contains(.more) ? .more : .done)
    }

    /// Once a minute: what is due too far ahead waits for a clock that was set back.
    private func bringForward() async -> Outcome {
        guard clockWatch.isTime(clock.uptime()) else { return .done }
        do throws(LedgerError) {
            let count = try await ledger.bringForward(at: clock.now(), configuration.longestPauses)
            guard count > 0 else { return .done }
            logger.log(.clockSetBack, metadata: ["jobs": "\(count)"])
            clockWatch.repeatAtOnce()
            return .more
        } catch {
            return .troubled("\(error)")
        }
    }

    /// When the ledger was last searched for jobs that are due too far ahead.
    private final class ClockWatch: Sendable {
        private let last = Mutex<Duration?>(nil)

        func isTime(_ uptime: Duration) -> Bool {
            last.withLock { last in
                if let last, uptime - last < .seconds(60) { return false }
                last = uptime
                return true
            }
        }

        /// There may be more of them than were found at once.
        func repeatAtOnce() { last.withLock { $0 = nil } }
    }

    private func round(_ lane: JobLane) async -> Outcome {
        let queue: QueueState
        do {
            queue = try await look(lane)
        } catch {
            return .troubled("the broker does not say how long its queues are: \(error)")
        }
        do throws(LedgerError) {
            let now = clock.now()
            var request = DueRequest(lane, at: now, leaseEnd: now + configuration.lease, limit: configuration.batch)
            request.maximumInQueue = configuration.queueLimit
            request.repeatsLate = !queue.waitsForConsumer
            let due = try await ledger.takeDue(request)
            let published = await publish(due.jobs)
            try await ledger.markRequeued(published, at: clock.now())
            for job in published { requeued[job.job.kind]?.increment() }
            guard published.count == due.jobs.count else { return .troubled("the broker did not confirm every job that was put back") }
            guard due.unreadable.isEmpty else { return .troubled(Self.complaint(of: due.unreadable)) }
            return due.jobs.count == configuration.batch ? .more : .done
        } catch {
            return .troubled("\(error)")
        }
    }

    private static func complaint(of ids: [Int64]) -> String {
        let names = ids.prefix(5).map(String.init).joined(separator: ", ") + (ids.count > 5 ? " and \(ids.count - 5) more" : "")
        return "rows of the ledger that are due cannot be read (jobs.id \(names)); all others go on, these need a person: bosctl doubts"
    }

    /// Those that the broker has confirmed.
    private func publish(_ jobs: [DueJob]) async -> [DueJob] {
        await withTaskGroup { group in
            for job in jobs { group.addTask { await publish(job) ? job : nil } }
            return await group.reduce(into: []) { published, job in if let job { published.append(job) } }
        }
    }

    private func publish(_ job: DueJob) async -> Bool {
        do throws(PublishError) {
            // Over before the lease is, so that nobody publishes what somebody else has leased by then.
            try await publisher.publish(
                Message(resuming: job), exchange: configuration.exchange, routingKey: job.routingKey, mandatory: true,
                timeout: configuration.lease / 4)
            return true
        } catch {
            logger.log(
                .jobNotRequeued, metadata: ["kind": "\(job.job.kind.rawValue)", "reference": "\(job.job.reference)", "error": "\(error)"])
            return false
        }
    }
}

extension DueJob {
    /// Bound to the lane's queue. Source: publishing.md#topology.
    fileprivate var routingKey: String {
        switch Job.lane(job.kind, state) {
        case .money: JobKind.recharge.rawValue
        case .questions: job.kind == .panStatus ? JobKind.panStatus.rawValue : JobKind.rechargeStatus.rawValue
        }
    }
}

extension Message {
    fileprivate init(resuming job: DueJob) {
        var properties = Properties()
        properties.contentType = "application/json"
        properties.deliveryMode = .persistent
        properties.type = job.job.kind.rawValue
        properties.headers[IncomingJob.resumptionHeader] = .string(job.dueAt.map { String($0.milliseconds) } ?? "now")
        if let traceparent = job.traceparent { properties.headers["traceparent"] = .string(traceparent) }
        self.init(body: job.job.body, properties: properties)
    }
}
