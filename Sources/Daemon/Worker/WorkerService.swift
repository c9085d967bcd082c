import AMQP
import BOSClient
import Events
import JobEngine
import JobModel
import Ledger
import Logging
import Observability
import ServiceLifecycle

/// Runs the worker: starts connections, engine and all helpers together, and stops them in order.
struct WorkerService: Service {
    let parts: WorkerParts
    let drainTimeout: Duration
    let notifier: SystemdNotifier
    let logger: Logger

    func run() async throws {
        let parts = parts
        await parts.outbox.loadBacklog()
        // A hold survives a restart without one job slipping through.
        await parts.holds.read()
        await logDoubtsElsewhere()
        try await withThrowingDiscardingTaskGroup { background in
            background.addTask { await parts.consume.run() }
            background.addTask { await publish() }
            background.addTask { await parts.client.run() }
            for lane in parts.lanes.all {
                background.addTask { await lane.gate.run { reason in await parts.probe.check(reason, in: lane) } }
            }
            for consumer in parts.guardConsumers {
                // Another program may publish into a guard queue by mistake. A rejected message of the marker becomes a dead letter.
                background.addTask { for await delivery in consumer { delivery.reject() } }
            }
            background.addTask { await parts.holds.run() }
            background.addTask { await parts.sampler.run() }
            background.addTask { await parts.calibrator.run() }
            background.addTask { await announceReadiness() }
            background.addTask { try await endWhenRefused() }
            let hasDrained = await work()
            parts.lock.finish()
            await closeAll()
            background.cancelAll()
            if !hasDrained { throw NotDrained() }
        }
    }

    /// Runs engine and outbox until the process is asked to stop.
    /// - Returns: `false` if the worker still held deliveries when `drainTimeout` had passed.
    private func work() async -> Bool {
        await withTaskGroup(of: Bool?.self) { group in
            group.addTask {
                async let marking: Void = parts.outbox.runMarkPublished()
                await parts.engine.run()
                parts.outbox.finish()
                await marking
                return true
            }
            group.addTask {
                do { try await gracefulShutdown() } catch { return nil }
                logger.log(.workerStopping)
                await notifier.stopping()
                await parts.engine.drain()
                await parts.clock.sleep(for: drainTimeout)
                return false
            }
            var hasDrained = false
            while let end = await group.next() {
                guard let end else { continue }
                hasDrained = end
                break
            }
            // Calls to BOS that have not ended in time are cut off here. The run stores a recharge without an answer as a doubt.
            group.cancelAll()
            return hasDrained
        }
    }

    /// Logs how many recharges are in doubt at another API or account. The worker cannot enquire about them here, so a person has to know
    /// of them early.
    private func logDoubtsElsewhere() async {
        guard let total = try? await parts.ledger.doubtsSentElsewhere(than: parts.destination), total.count > 0 else { return }
        logger.log(
            .doubtsElsewhere, metadata: ["count": "\(total.count)", "rupees": "\(total.amount.rupees)", "now": "\(parts.destination)"])
    }

    private func closeAll() async {
        await parts.consume.close()
        await parts.publish.close()
        await parts.ledger.close()
        await parts.client.shutdown()
    }

    /// Tells systemd once jobs are being consumed and replies can leave. A lane that an operator holds is not waited for.
    private func announceReadiness() async {
        while !(parts.engine.troubles.isEmpty && parts.publish.status.isConnected), !Task.isCancelled {
            await parts.clock.sleep(for: .milliseconds(100))
        }
        guard !Task.isCancelled else { return }
        logger.log(.workerReady)
        await notifier.ready(parts.health.statusLine)
    }

    /// Publishes replies once the consuming connection has shown that this virtual host belongs to this worker. In another virtual host the
    /// broker would confirm replies, and no caller would get them.
    private func publish() async {
        guard (try? await parts.consume.whenConnected()) != nil else { return }
        await withDiscardingTaskGroup { group in
            group.addTask { await parts.publish.run() }
            group.addTask { await parts.outbox.runRelay() }
        }
    }

    /// Ends the process when the broker refuses this worker.
    private func endWhenRefused() async throws {
        for await refusal in parts.lock.refusals { throw refusal }
    }
}

/// Thrown to end the process with exit code 75.
struct NotDrained: Error {}
