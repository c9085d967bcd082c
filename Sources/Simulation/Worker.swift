import AMQP
import JobEngine
import JobModel
import Ledger
import Logging
import Synchronization

/// A worker from its start to its death: the engine's own parts, wired to a simulated world.
struct Worker {
    /// Made once: no simulation looks at them, and making them takes longer than a whole simulated day.
    private static let metrics = EngineMetrics()
    static let silent = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }

    let process: Process
    let world: World
    let broker: ModelBroker
    private let lanes: Lanes
    private let outbox: Outbox
    private let handler: JobExecutor
    private let probe: PauseProbe
    private let calibrator: EnquiryCalibrator
    private let drain = DrainSignal()

    init(_ process: Process) {
        self.process = process
        world = process.world
        broker = process.setting.broker
        let clock = process.clock
        let configuration = Self.configuration(process)
        lanes = Lanes(
            money: Lane(.money, configuration: Lane.Configuration(concurrency: 8), clock: clock, logger: Self.silent),
            questions: Lane(.questions, configuration: Lane.Configuration(concurrency: 4), clock: clock, logger: Self.silent))
        outbox = Outbox(
            publisher: process, ledger: process, configuration: configuration, clock: clock, metrics: Self.metrics, logger: Self.silent)
        let passes = world.bug == .blindEnquiryBelieved || world.bug == .credulousEnquiryBelieved
        calibrator = EnquiryCalibrator(
            gateway: passes ? PassedEnquiry(process: process) : process, ledger: process, configuration: configuration, clock: clock,
            logger: Self.silent)
        handler = JobExecutor(
            EngineContext(
                configuration: configuration, ledger: process,
                gateway: RateLimitedBOS(
                    process, lanes: lanes, ratePerSecond: nil, merchant: KnownMerchant(configured: "merchant"), clock: clock),
                outbox: outbox,
                lanes: lanes, calibrator: calibrator, drain: drain, runs: ActiveRuns(process: process.name), clock: clock,
                metrics: Self.metrics,
                logger: Self.silent))
        probe = PauseProbe(gateway: process, ledger: process, merchant: KnownMerchant(configured: "merchant"), timeout: .seconds(30))
    }

    static func configuration(_ process: Process) -> EngineConfiguration {
        let world = process.world
        var configuration = EngineConfiguration()
        configuration.rules.registerID = "merchant"
        configuration.policy.pan.firstCheckAfter = .seconds(60)
        configuration.policy.pan.maximumInterval = .seconds(300)
        configuration.policy.pan.maximumAge = .seconds(3_600)
        // Longer than any storm: here nothing is given up but by a clock that jumps.
        configuration.policy.maximumAge = .seconds(7 * 86_400)
        configuration.policy.maximumFailures = 100_000
        configuration.policy.doubtMaximumAge = world.doubtMaximumAge
        configuration.purchaseGuard = world.purchaseGuard
        configuration.policy.maximumResendings = 1_000
        configuration.policy.destination = world.bug == .destinationIgnored ? "any" : process.destination
        configuration.policy.settle.notFound = world.bug == .ownerNotAsked ? .believe : world.climate.notFound
        if world.climate.asksByNumber { configuration.enquiresBy = .bosReference }
        if world.bug == .refusalSettledAtOnce {
            (configuration.policy.settle.refusalAnswers, configuration.policy.settle.refusalWindow) = (1, .zero)
        }
        if world.bug == .notFoundBelieved { (configuration.policy.settle.answers, configuration.policy.settle.window) = (1, .zero) }
        return configuration
    }

    /// Runs until the process dies or the task is cancelled.
    func run() async {
        await outbox.loadBacklog()
        await withDiscardingTaskGroup { group in
            group.addTask { await outbox.runRelay() }
            group.addTask { await outbox.runMarkPublished() }
            for lane in lanes.all {
                group.addTask { await lane.gate.run { reason in await probe.look(at: reason, in: lane) } }
                group.addTask { await consume(lane) }
            }
            group.addTask { await calibrator.run() }
            group.addTask { await loseSessions() }
            group.addTask { await process.shakeClock() }
            group.addTask { await stop() }
            await process.whenDead()
            outbox.finish()
            group.cancelAll()
        }
    }

    /// The broker gives up on the worker's session now and then, while the worker lives on.
    private func loseSessions() async {
        while world.isStormy, process.isAlive, !Task.isCancelled {
            await world.sleep(1_000)
            guard world.strikes(world.weather.lostSession) else { continue }
            world.note("\(process.name) loses its session")
            broker.lose(process.name)
        }
    }

    /// The operator stops it in good order now and then, and when the API has moved: it takes nothing more and ends when it holds nothing any more.
    private func stop() async {
        while !drain.isDraining, process.isAlive, !Task.isCancelled {
            await world.sleep(10_000)
            guard world.strikes(world.weather.crash) || process.isOutdated else { continue }
            world.note("\(process.name) is asked to stop")
            drain.drain()
        }
        while process.isAlive, broker.holds(process.name), !Task.isCancelled { await world.sleep(100) }
        process.crash()
    }

    /// Takes messages while the gate is open, as many at once as the real prefetch would allow, and one at a time while it only tries.
    private func consume(_ lane: Lane) async {
        let queue = lane.name == .money ? ModelBroker.money : ModelBroker.questions
        let prefetch = lane.name == .money ? 8 : 4
        let running = Running()
        await withDiscardingTaskGroup { group in
            while process.isAlive, !drain.isDraining, !Task.isCancelled {
                let most = lane.gate.isOpen ? prefetch : lane.gate.offersTrial ? 1 : 0
                guard running.count.withLock({ $0 }) < most else {
                    await world.sleep(most == 0 ? 500 : 50)
                    continue
                }
                guard let delivery = broker.take(queue, for: process.name) else {
                    // A gate that only tries may close again without a message.
                    if lane.gate.isOpen { await broker.arrivals.wait() } else { await world.sleep(500) }
                    continue
                }
                running.count.withLock { $0 += 1 }
                group.addTask {
                    await handler.handle(delivery, in: lane)
                    running.count.withLock { $0 -= 1 }
                }
            }
        }
    }
}

private final class Running: Sendable {
    let count = Mutex(0)
}
