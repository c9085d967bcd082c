import AMQP
import Events
import JobEngine
import Ledger
import LedgerSQLite
import Logging
import Observability
import ServiceLifecycle

/// Runs the poller. It waits for its ledger and for its broker without a limit.
struct PollerService: Service {
    let parts: PollerParts
    let notifier: SystemdNotifier
    let logger: Logger

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for await refusal in parts.lock.refusals { throw refusal } }
            group.addTask {
                await cancelWhenGracefulShutdown {
                    guard let (ledger, identity) = await openLedger() else { return }
                    await parts.connection.setTopology(parts.topology.pollerItems(ledger: identity))
                    await work(ledger)
                    await ledger.close()
                }
            }
            defer { group.cancelAll() }
            try await group.next()
            parts.lock.finish()
        }
        logger.log(.pollerStopping)
        await notifier.stopping()
        await parts.connection.close()
    }

    /// Runs rounds until cancelled.
    private func work(_ ledger: SQLiteLedger) async {
        let sampler = Sampler(
            connection: parts.connection, ledger: ledger, clock: parts.clock, queues: parts.watchedQueues,
            history: parts.memory.history, onUnwritable: nil)
        parts.progress.update { ($0.ledgerProblem, $0.sampler) = (nil, sampler) }
        let poller = Poller(
            ledger: ledger, publisher: parts.connection, look: parts.queueState, configuration: parts.configuration, clock: parts.clock,
            logger: logger)
        await withDiscardingTaskGroup { group in
            group.addTask { await parts.connection.run() }
            group.addTask { await announceReadiness() }
            group.addTask { await sampler.run() }
            await waitForBroker()
            await poller.run { outcome in parts.progress.update { ($0.outcome, $0.lastRound) = (outcome, .now) } }
            group.cancelAll()
        }
    }

    /// Tries to open the ledger every second until it succeeds.
    /// - Returns: `nil` if the process is asked to stop first.
    private func openLedger() async -> (SQLiteLedger, identity: String)? {
        var lastProblem: String?
        while !Task.isCancelled {
            do throws(LedgerError) {
                let ledger = try await parts.openLedger()
                return (ledger, try await ledger.identity())
            } catch {
                let problem = "\(error)"
                if problem != lastProblem { logger.log(.ledgerUnavailable, metadata: ["reason": "\(problem)"]) }
                lastProblem = problem
                parts.progress.update { ($0.ledgerProblem, $0.lastRound) = (problem, .now) }
                await parts.clock.sleep(for: .seconds(1))
            }
        }
        return nil
    }

    /// Waits before the first round. The connection logs why it is not connected yet; a round would log the same a second time.
    private func waitForBroker() async {
        while !parts.connection.status.isConnected, !Task.isCancelled {
            parts.progress.update { $0.lastRound = .now }
            await parts.clock.sleep(for: .milliseconds(100))
        }
    }

    /// Tells systemd once the poller is ready.
    private func announceReadiness() async {
        while !(await parts.health.readiness().isEmpty), !Task.isCancelled { await parts.clock.sleep(for: .milliseconds(100)) }
        guard !Task.isCancelled else { return }
        logger.log(.pollerReady)
        await notifier.ready(parts.health.statusLine)
    }
}
