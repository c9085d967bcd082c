import JobEngine
import JobModel
import Ledger

/// One seed's story: upstreams publish, workers and pollers work and die, and when the storm is over everything must come to its end.
struct SimulatedScenario {
    private let environment: SimulatedEnvironment

    private var world: SimulatedWorld { environment.world }

    init(_ world: SimulatedWorld) {
        environment = SimulatedEnvironment(
            world: world, ledger: MemoryLedger(), broker: ModelBroker(world), bos: ModelBOS(world), audit: Audit())
    }

    /// What is wrong; empty if every promise was kept.
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

    /// Waits until nothing is left to be done, or something was wrong.
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

    /// Starts a worker again whenever it has died.
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

    /// A person deletes a queue now and then.
    private func loseQueues() async {
        while world.isInFaultPhase, !Task.isCancelled {
            await world.sleep(5_000)
            guard world.shouldFail(world.faultRates.lostQueue) else { continue }
            environment.broker.deleteQueue(world.pick([ModelBroker.rechargeQueue, ModelBroker.statusQueue]))
        }
    }
}
