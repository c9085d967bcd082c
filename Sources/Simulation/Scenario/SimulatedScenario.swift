import JobEngine
import JobModel
import Ledger

/// The scenario of one seed: upstreams publish jobs, and workers and pollers run and crash. After the fault phase every job must end.
struct SimulatedScenario {
    private let environment: SimulatedEnvironment

    private var world: SimulatedWorld { environment.world }

    init(_ world: SimulatedWorld) {
        environment = SimulatedEnvironment(
            world: world, ledger: MemoryLedger(), broker: ModelBroker(world), bos: ModelBOS(world), audit: Audit())
    }

    /// - Returns: one sentence for each broken promise; empty if all were kept.
    func run() async -> [String] {
        await withTaskGroup(of: [String].self) { group in
            for number in 1...(world.chance(0.3) ? 2 : 1) {
                group.addTask {
                    await keepWorker("worker\(number)")
                    return []
                }
            }
            for number in 1...(world.chance(0.3) ? 2 : 1) {
                group.addTask {
                    await keepPoller("poller\(number)")
                    return []
                }
            }
            group.addTask {
                await loseQueues()
                return []
            }
            if world.hasHolds {
                group.addTask {
                    await SimulatedHolds(environment: environment).run()
                    return []
                }
            }
            let simulatedOperator = SimulatedOperator(environment)
            group.addTask {
                await simulatedOperator.run()
                return []
            }
            let orders = await SimulatedUpstream(world: world, broker: environment.broker).run()
            await comeToRest(orders)
            group.cancelAll()
            environment.bos.closeBooks()
            environment.audit.compare(environment.ledger.records, with: environment.bos.books)
            return await environment.audit.violations + checks(orders, sentByOperator: simulatedOperator.sent).atTheEnd()
        }
    }

    /// Waits until no work is left, or until the audit has found a violation.
    private func comeToRest(_ orders: [SimulatedUpstream.Order]) async {
        while world.elapsed < world.faultPhase + 6 * 3_600_000, !Task.isCancelled {
            await world.sleep(10_000)
            environment.audit.compare(environment.ledger.records, with: environment.bos.books)
            guard environment.audit.violations.isEmpty else { return }
            if !world.isInFaultPhase, await checks(orders, sentByOperator: []).isAtRest { return }
        }
    }

    private func checks(_ orders: [SimulatedUpstream.Order], sentByOperator: Set<String>) -> FinalChecks {
        FinalChecks(
            orders: orders, ledger: environment.ledger, broker: environment.broker, books: environment.bos.books, world: world,
            sentByOperator: sentByOperator)
    }

    /// Starts a worker, and starts it again each time it has ended.
    private func keepWorker(_ name: String) async {
        var start = 0
        while !Task.isCancelled {
            start += 1
            let process = SimulatedProcess("\(name).\(start)", in: environment)
            await SimulatedWorker(process).run()
            process.crash()
            await world.sleep(Int64(world.number(10...20_000)))
        }
    }

    /// Starts a poller, and starts it again each time it has ended.
    private func keepPoller(_ name: String) async {
        var start = 0
        while !Task.isCancelled {
            start += 1
            let process = SimulatedProcess("\(name).\(start)", in: environment)
            await poll(process)
            process.crash()
            await world.sleep(Int64(world.number(10...120_000)))
        }
    }

    private func poll(_ process: SimulatedProcess) async {
        var configuration = Poller.Configuration()
        configuration.interval = .seconds(10)
        configuration.batch = 3
        let poller = Poller(
            ledger: process, publisher: process,
            look: { lane in
                .init(
                    ready: environment.broker.depth(of: lane == .money ? ModelBroker.rechargeQueue : ModelBroker.statusQueue), consumers: 1)
            },
            configuration: configuration, clock: process.clock, logger: SimulatedWorker.silent)
        await withDiscardingTaskGroup { group in
            group.addTask { await poller.run { _ in } }
            group.addTask { await process.shakeClock() }
            await process.whenDead()
            group.cancelAll()
        }
    }

    /// Deletes a queue of the broker now and then during the fault phase.
    private func loseQueues() async {
        while world.isInFaultPhase, !Task.isCancelled {
            await world.sleep(5_000)
            guard world.shouldFail(world.faultRates.lostQueue) else { continue }
            environment.broker.deleteQueue(world.pick([ModelBroker.rechargeQueue, ModelBroker.statusQueue]))
        }
    }
}
