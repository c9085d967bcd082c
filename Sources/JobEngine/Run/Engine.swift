package import AMQP
package import JobModel
import Logging

/// Consumes the job queues. The executor works on as many deliveries at once as the prefetch of their queue allows.
package struct Engine: Sendable {
    private let jobs: JobExecutor
    private let sources: [Source]
    private let executor: any TaskExecutor

    /// - Parameters:
    ///   - sources: each lane with the deliveries of its queue. The prefetch of the queue limits its concurrency.
    ///   - executor: the thread on which jobs run.
    package init(_ jobs: JobExecutor, sources: [(Lane, Deliveries)], executor: any TaskExecutor) {
        self.jobs = jobs
        self.sources = sources.map { Source(lane: $0, deliveries: $1) }
        self.executor = executor
    }

    /// Works until ``drain()`` was called and every delivery is settled.
    package func run() async {
        for source in sources {
            let deliveries = source.deliveries
            await source.lane.gate.setSwitch { flow in
                switch flow {
                case .running: await deliveries.resume()
                case .trial: await deliveries.resume(prefetch: 1)
                case .stopped: await deliveries.pause()
                }
            }
        }
        await withDiscardingTaskGroup { group in
            for source in sources { group.addTask(executorPreference: executor) { await consume(source) } }
        }
    }

    /// Whether ``drain()`` was called.
    package var isDraining: Bool { jobs.context.drain.isDraining }

    /// How many jobs of a kind are being worked on.
    package func inFlight(_ kind: JobKind) -> Int { jobs.context.metrics.inFlight(kind) }

    /// Stops consuming, ends waits early, and lets calls that are under way finish.
    package func drain() async {
        jobs.context.drain.drain()
        await withDiscardingTaskGroup { group in
            for source in sources { group.addTask { await source.deliveries.finish() } }
        }
    }

    /// Why jobs are not being consumed. Empty if they are. Readiness shows it.
    package var problems: [(check: String, detail: String)] {
        sources.flatMap { source in
            let queue = source.deliveries.queue
            let pauses = source.lane.gate.pauses.map { ("consuming", "\(queue) paused (\($0.key.rawValue)): \($0.value)") }
            if pauses.isEmpty, !source.deliveries.isConsuming {
                let reason = source.deliveries.trouble.map { ": \($0)" } ?? ""
                return [("consuming", "the queue \(queue) is not being consumed\(reason)")]
            }
            return pauses
        }
    }

    private func consume(_ source: Source) async {
        let jobs = jobs
        await withDiscardingTaskGroup { group in
            for await delivery in source.deliveries { group.addTask { await jobs.handle(delivery, in: source.lane) } }
        }
    }

    private struct Source {
        let lane: Lane
        let deliveries: Deliveries
    }
}
