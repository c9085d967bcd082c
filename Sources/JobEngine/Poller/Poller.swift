import AMQP
import Events
package import JobModel
package import Ledger
package import Logging
import Metrics
private import Synchronization

/// Requeues jobs that wait in the ledger when they are due. The job that has been due longest comes first, and the ledger has a limited
/// number of jobs in a queue at once. Messages of upstreams do not count towards that limit: a doubt must not wait until they leave room.
///
/// The poller leases a job, publishes it with confirm, and only then marks it. If the poller dies in between, no job is lost: the lease
/// ends and the job is requeued once more. A duplicate is harmless, because only one run works on a job at a time. Several pollers may
/// share the work.
package struct Poller: Sendable {
    package struct Configuration: Sendable {
        /// The pause after a round that left no more work.
        package var interval = Duration.seconds(1)
        /// How many jobs of the ledger may be in one queue without a run having taken them up.
        package var queueLimit = 1_000
        /// How long a lease lasts: the time in which the poller must publish the job.
        package var lease = Duration.seconds(60)
        /// How many jobs are leased at once.
        package var batch = 100
        package var exchange = EngineConfiguration.Exchanges().jobs
        /// A job that is due later than this allows was stored before the clock was set back.
        package var longestPauses = RetryPolicy().longestPauses

        package init() {}
    }

    /// The state of a lane's queue, as reported by the broker.
    package struct QueueState: Sendable {
        /// Messages that wait for a consumer.
        package var ready: Int
        package var consumers: Int

        package init(ready: Int, consumers: Int) {
            self.ready = ready
            self.consumers = consumers
        }

        /// Whether messages are in the queue and no worker takes any. An old message is not lost then, it only waits.
        fileprivate var waitsForConsumer: Bool { ready > 0 && consumers == 0 }
    }

    /// Queries the broker for the queue of a lane. Throws while the broker does not answer.
    package typealias QueueLookup = @Sendable (JobLane) async throws -> QueueState

    private let ledger: any Ledger & HoldLedger
    private let publisher: any MessagePublisher
    private let look: QueueLookup
    private let clockWatch = ClockWatch()
    private let configuration: Configuration
    private let clock: any EngineClock
    private let logger: Logger
    private let requeued: [JobKind: Counter]

    /// - Parameter look: queries the broker for the queue of a lane.
    package init(
        ledger: any Ledger & HoldLedger, publisher: any MessagePublisher, look: @escaping QueueLookup, configuration: Configuration,
        clock: any EngineClock, logger: Logger
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

    /// Repeats rounds until the task is cancelled. Returns after the round that is under way then.
    /// - Parameter report: called after each round.
    package func run(_ report: @Sendable (RoundResult) -> Void) async {
        var log = TroubleLog(logger: logger, patience: configuration.lease * 2)
        while !Task.isCancelled {
            let result = await round()
            report(result)
            // A cancelled round says nothing about the ledger or the broker.
            if !Task.isCancelled { log.note(result, at: clock.uptime()) }
            if result != .more { await clock.sleep(for: configuration.interval) }
        }
    }

    /// Logs a trouble once when it starts, not with every round, and its end once it has been absent for `patience`.
    private struct TroubleLog {
        let logger: Logger
        let patience: Duration
        private var logged: String?
        private var lastTrouble = Duration.zero

        init(logger: Logger, patience: Duration) {
            self.logger = logger
            self.patience = patience
        }

        mutating func note(_ result: RoundResult, at uptime: Duration) {
            if let trouble = result.trouble {
                lastTrouble = uptime
                guard trouble != logged else { return }
                logged = trouble
                logger.log(.requeueFailing, metadata: ["reason": "\(trouble)"])
            } else if logged != nil, uptime - lastTrouble > patience {
                logged = nil
                logger.log(.requeueRecovered)
            }
        }
    }

    /// The result of one round.
    package enum RoundResult: Sendable, Equatable {
        /// No more job is due, or the queues have no room for more.
        case done
        /// More jobs may be due.
        case more
        /// The round could not be finished; one sentence for people.
        case troubled(String)

        package var trouble: String? {
            switch self {
            case .done, .more: nil
            case .troubled(let detail): detail
            }
        }
    }

    /// Requeues due jobs of each lane once. Questions come first, because doubts are among them.
    package func round() async -> RoundResult {
        let results = [await bringForward(), await round(.questions), await round(.money)]
        // A trouble in one lane does not stop the other, but the operator must hear of it.
        return results.first { $0.trouble != nil } ?? (results.contains(.more) ? .more : .done)
    }

    /// Once a minute, makes jobs due that are due too far in the future: they were stored before the clock was set back.
    private func bringForward() async -> RoundResult {
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

    /// Remembers when the ledger was last searched for jobs that are due too far in the future.
    private final class ClockWatch: Sendable {
        private let last = Mutex<Duration?>(nil)

        func isTime(_ uptime: Duration) -> Bool {
            last.withLock { last in
                if let last, uptime - last < .seconds(60) { return false }
                last = uptime
                return true
            }
        }

        /// For a search that may not have found all of them.
        func repeatAtOnce() { last.withLock { $0 = nil } }
    }

    /// Leaves the jobs of a lane that an operator holds in the ledger.
    private func round(_ lane: JobLane) async -> RoundResult {
        do throws(LedgerError) {
            guard try await ledger.holds()[lane] == nil else { return .done }
        } catch {
            return .troubled("\(error)")
        }
        let queue: QueueState
        do {
            queue = try await look(lane)
        } catch {
            return .troubled("the broker does not report the length of its queues: \(error)")
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
            guard published.count == due.jobs.count else { return .troubled("the broker did not confirm every requeued job") }
            guard due.unreadable.isEmpty else { return .troubled(Self.complaint(of: due.unreadable)) }
            return due.jobs.count == configuration.batch ? .more : .done
        } catch {
            return .troubled("\(error)")
        }
    }

    private static func complaint(of ids: [Int64]) -> String {
        let names = ids.prefix(5).map(String.init).joined(separator: ", ") + (ids.count > 5 ? " and \(ids.count - 5) more" : "")
        return "due rows of the ledger cannot be read (jobs.id \(names)); all other jobs go on, these need a person: bosctl doubts"
    }

    /// - Returns: the jobs that the broker has confirmed.
    private func publish(_ jobs: [DueJob]) async -> [DueJob] {
        await withTaskGroup { group in
            for job in jobs { group.addTask { await publish(job) ? job : nil } }
            return await group.reduce(into: []) { published, job in if let job { published.append(job) } }
        }
    }

    private func publish(_ job: DueJob) async -> Bool {
        do throws(PublishError) {
            // Must end before the lease, so that two pollers never publish the same job.
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
    /// A routing key that is bound to the lane's queue. Source: publishing.md#topology.
    fileprivate var routingKey: String {
        switch Job.lane(job.kind, in: state) {
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
