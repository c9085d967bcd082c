package import AMQP
import Logging

/// Consumes the job queues and lets the handler work on each delivery, as many at once as the queue's prefetch allows.
package struct Engine: Sendable {
    private let handler: JobHandler
    private let sources: [Deliveries]
    private let executor: any TaskExecutor

    /// - Parameters:
    ///   - sources: the deliveries of each job queue; the prefetch of each is its concurrency.
    ///   - executor: where jobs run.
    package init(handler: JobHandler, sources: [Deliveries], executor: any TaskExecutor) {
        self.handler = handler
        self.sources = sources
        self.executor = executor
    }

    /// Works until ``drain()`` was called and every delivery taken before is settled.
    package func run() async {
        let sources = sources
        await handler.gate.setSwitch { isOpen in
            await withDiscardingTaskGroup { group in
                for source in sources { group.addTask { await isOpen ? source.resume() : source.pause() } }
            }
        }
        await withDiscardingTaskGroup { group in
            for source in sources { group.addTask(executorPreference: executor) { await consume(source) } }
        }
    }

    /// Takes no new jobs, ends waits early and lets calls that are under way finish.
    package func drain() async {
        handler.drain.drain()
        await withDiscardingTaskGroup { group in
            for source in sources { group.addTask { await source.finish() } }
        }
    }

    /// Why jobs are not being consumed, for readiness; empty when they are.
    package var problems: [(check: String, detail: String)] {
        let pauses = handler.gate.pauses.map { ("consuming", "paused (\($0.key.rawValue)): \($0.value)") }
        guard pauses.isEmpty else { return pauses }
        return sources.filter { !$0.isConsuming }.map { ("consuming", "the queue \($0.queue) is not being consumed") }
    }

    private func consume(_ source: Deliveries) async {
        let handler = handler
        await withDiscardingTaskGroup { group in
            for await delivery in source { group.addTask { await handler.handle(delivery) } }
        }
    }
}
