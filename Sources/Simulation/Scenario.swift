import JobEngine
import JobModel
import Ledger

/// One seed's story: upstreams publish, workers and pollers work and die, and when the storm is over everything must come to its end.
struct Scenario {
    let world: World
    let ledger = MemoryLedger()
    let broker: ModelBroker
    let bos: ModelBOS
    private let audit = Audit()

    init(_ world: World) {
        self.world = world
        broker = ModelBroker(world)
        bos = ModelBOS(world)
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
                await shakeClock()
                return []
            }
            let person = Person(world: world, ledger: ledger, bos: bos) { name in Process(name, world, ledger, broker, bos, audit) }
            group.addTask {
                await person.run()
                return []
            }
            let orders = await Upstream(world: world, broker: broker).run()
            await comeToRest(orders)
            group.cancelAll()
            bos.closeBooks()
            audit.compare(ledger.records, bos.books)
            return await audit.violations + checks(orders, person.sent).atTheEnd()
        }
    }

    /// Waits until nothing is left to be done, or something was wrong.
    private func comeToRest(_ orders: [Upstream.Order]) async {
        while world.elapsed < world.storm + 6 * 3_600_000, !Task.isCancelled {
            await world.sleep(10_000)
            audit.compare(ledger.records, bos.books)
            guard audit.violations.isEmpty else { return }
            if !world.isStormy, await checks(orders, []).isSettled { return }
        }
    }

    private func checks(_ orders: [Upstream.Order], _ sentByPerson: Set<String>) -> Checks {
        Checks(orders: orders, ledger: ledger, broker: broker, books: bos.books, world: world, sentByPerson: sentByPerson)
    }

    /// Starts a worker again whenever it has died.
    private func keepWorker(_ name: String) async {
        var start = 0
        while !Task.isCancelled {
            start += 1
            let process = Process("\(name).\(start)", world, ledger, broker, bos, audit)
            await Worker(process, world, broker).run()
            process.crash()
            await world.sleep(Int64(world.number(10...20_000)))
        }
    }

    private func keepPoller(_ name: String) async {
        var start = 0
        while !Task.isCancelled {
            start += 1
            let process = Process("\(name).\(start)", world, ledger, broker, bos, audit)
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
            look: { lane in .init(ready: broker.depth(of: lane == .money ? ModelBroker.money : ModelBroker.questions), consumers: 1) },
            configuration: configuration, clock: WorldClock(world: world), logger: Worker.silent)
        await withDiscardingTaskGroup { group in
            group.addTask { await poller.run { _ in } }
            await process.whenDead()
            group.cancelAll()
        }
    }

    private func shakeClock() async {
        while world.isStormy, !Task.isCancelled {
            await world.sleep(5_000)
            if world.strikes(world.weather.clockJump) { world.jump(by: Int64(world.number(-3_600_000...3_600_000))) }
        }
    }
}
