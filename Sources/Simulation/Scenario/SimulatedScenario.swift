import JobEngine
import JobModel
import Ledger

/// One seed's story: upstreams publish, workers and pollers work and die, and when the storm is over everything must come to its end.
struct Scenario {
    private let setting: Setting

    private var world: World { setting.world }

    init(_ world: World) {
        setting = Setting(world: world, ledger: MemoryLedger(), broker: ModelBroker(world), bos: ModelBOS(world), audit: Audit())
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
            let person = Person(setting)
            group.addTask {
                await person.run()
                return []
            }
            let orders = await Upstream(world: world, broker: setting.broker).run()
            await comeToRest(orders)
            group.cancelAll()
            setting.bos.closeBooks()
            setting.audit.compare(setting.ledger.records, setting.bos.books)
            return await setting.audit.violations + checks(orders, person.sent).atTheEnd()
        }
    }

    /// Waits until nothing is left to be done, or something was wrong.
    private func comeToRest(_ orders: [Upstream.Order]) async {
        while world.elapsed < world.storm + 6 * 3_600_000, !Task.isCancelled {
            await world.sleep(10_000)
            setting.audit.compare(setting.ledger.records, setting.bos.books)
            guard setting.audit.violations.isEmpty else { return }
            if !world.isStormy, await checks(orders, []).isSettled { return }
        }
    }

    private func checks(_ orders: [Upstream.Order], _ sentByPerson: Set<String>) -> Checks {
        Checks(
            orders: orders, ledger: setting.ledger, broker: setting.broker, books: setting.bos.books, world: world,
            sentByPerson: sentByPerson)
    }

    /// Starts a worker again whenever it has died.
    private func keepWorker(_ name: String) async {
        var start = 0
        while !Task.isCancelled {
            start += 1
            let process = Process("\(name).\(start)", in: setting)
            await Worker(process).run()
            process.crash()
            await world.sleep(Int64(world.number(10...20_000)))
        }
    }

    private func keepPoller(_ name: String) async {
        var start = 0
        while !Task.isCancelled {
            start += 1
            let process = Process("\(name).\(start)", in: setting)
            await poll(process)
            process.crash()
            await world.sleep(Int64(world.number(10...120_000)))
        }
    }

    private func poll(_ process: Process) async {
        var configuration = Poller.Configuration()
        configuration.interval = .seconds(10)
        configuration.batch = 3
        let poller = Poller(
            ledger: process, publisher: process,
            look: { lane in
                .init(ready: setting.broker.depth(of: lane == .money ? ModelBroker.money : ModelBroker.questions), consumers: 1)
            },
            configuration: configuration, clock: process.clock, logger: Worker.silent)
        await withDiscardingTaskGroup { group in
            group.addTask { await poller.run { _ in } }
            group.addTask { await process.shakeClock() }
            await process.whenDead()
            group.cancelAll()
        }
    }

    /// A person deletes a queue now and then.
    private func loseQueues() async {
        while world.isStormy, !Task.isCancelled {
            await world.sleep(5_000)
            guard world.strikes(world.weather.lostQueue) else { continue }
            setting.broker.lose(queue: world.pick([ModelBroker.money, ModelBroker.questions]))
        }
    }
}
