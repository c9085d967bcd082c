import AMQP
import BOSClient
import Events
import JobEngine
import JobModel
import Ledger
import Logging
import Observability
import ServiceLifecycle

/// The worker at work: connections, engine and everything that keeps them going, started together and stopped in order.
struct WorkerService: Service {
    let parts: WorkerParts
    let drainTimeout: Duration
    let notifier: SystemdNotifier
    let logger: Logger

    func run() async throws {
        let parts = parts
        await parts.outbox.loadBacklog()
        await tellMove()
        try await withThrowingDiscardingTaskGroup { background in
            background.addTask { await parts.consume.run() }
            background.addTask { await publish() }
            background.addTask { await parts.client.run() }
            for lane in parts.lanes.all {
                background.addTask { await lane.gate.run { reason in await parts.probe.look(at: reason, in: lane) } }
            }
            for claim in parts.claims {
                // What another program publishes there by mistake goes where the marker's dead letters go.
                background.addTask { for await delivery in claim { delivery.reject() } }
            }
            background.addTask { await parts.sampler.run() }
            background.addTask { await parts.calibrator.run() }
            background.addTask { await announceReadiness() }
            background.addTask { try await endWhenTurnedAway() }
            let hasDrained = await work()
            parts.lock.finish()
            await stop()
            background.cancelAll()
            if !hasDrained { throw NotDrained() }
        }
    }

    /// Works until shutdown. `false` if deliveries were still held when the time to drain was over.
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
            // Calls that did not end in time are cut off here; what is not known of them is stored as a doubt.
            group.cancelAll()
            return hasDrained
        }
    }

    /// What is in doubt at another API or account cannot be asked about here, and a person should know before the first customer calls.
    private func tellMove() async {
        guard let total = try? await parts.ledger.doubtsSentElsewhere(than: parts.destination), total.count > 0 else { return }
        logger.log(.doubtsElsewhere, ["count": "\(total.count)", "rupees": "\(total.amount.rupees)", "now": "\(parts.destination)"])
    }

    private func stop() async {
        await parts.consume.close()
        await parts.publish.close()
        await parts.ledger.close()
        await parts.client.shutdown()
    }

    /// Tells systemd once jobs are being consumed and replies can leave.
    private func announceReadiness() async {
        while !(parts.engine.problems.isEmpty && parts.publish.status.isConnected), !Task.isCancelled {
            await parts.clock.sleep(for: .milliseconds(100))
        }
        guard !Task.isCancelled else { return }
        logger.log(.workerReady)
        await notifier.ready(parts.health.statusLine)
    }

    /// Publishes once this virtual host is known to be this worker's: elsewhere replies would be confirmed that nobody is waiting for.
    private func publish() async {
        guard (try? await parts.consume.whenConnected()) != nil else { return }
        await withDiscardingTaskGroup { group in
            group.addTask { await parts.publish.run() }
            group.addTask { await parts.outbox.runRelay() }
        }
    }

    private func endWhenTurnedAway() async throws {
        for await refusal in parts.lock.refusals { throw refusal }
    }
}

/// Thrown to end the process with exit code 75.
struct NotDrained: Error {}
