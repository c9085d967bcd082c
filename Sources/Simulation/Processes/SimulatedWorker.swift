import AMQP
import JobEngine
import JobModel
import Ledger
import Logging
import Synchronization

/// One run of a worker, from its start to its end: the engine's own parts, connected to the simulated world.
struct SimulatedWorker {
    /// Shared by all workers, because no simulation reads them, and because making them takes longer than simulating a whole day.
    private static let metrics = EngineMetrics()
    static let silent = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }

    let process: SimulatedProcess
    let world: SimulatedWorld
    let broker: ModelBroker
    private let lanes: Lanes
    private let holds: HoldWatch
    private let outbox: Outbox
    private let handler: JobExecutor
    private let probe: PauseProbe
    private let calibrator: EnquiryCalibrator
    private let drain = DrainSignal()

    init(_ process: SimulatedProcess) {
        self.process = process
        world = process.world
        broker = process.environment.broker
        let clock = process.clock
        let configuration = Self.configuration(process)
        lanes = Lanes(
            money: Lane(.money, configuration: Lane.Configuration(concurrency: 8), clock: clock, logger: Self.silent),
            questions: Lane(.questions, configuration: Lane.Configuration(concurrency: 4), clock: clock, logger: Self.silent))
        holds = HoldWatch(ledger: process, lanes: lanes, clock: clock, interval: SimulatedHolds.readingInterval)
        outbox = Outbox(
            publisher: process, ledger: process, configuration: configuration, clock: clock, metrics: Self.metrics, logger: Self.silent)
        let passes = world.bug == .blindEnquiryBelieved || world.bug == .credulousEnquiryBelieved
        calibrator = EnquiryCalibrator(
            gateway: passes ? PassingCalibration(process: process) : process, ledger: process, configuration: configuration, clock: clock,
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
        probe = PauseProbe(
            gateway: process, ledger: process, merchant: KnownMerchant(configured: "merchant"), configuration: configuration)
    }

    static func configuration(_ process: SimulatedProcess) -> EngineConfiguration {
        let world = process.world
        var configuration = EngineConfiguration()
        configuration.rules.registerID = "merchant"
        configuration.policy.pan.firstCheckAfter = .seconds(60)
        configuration.policy.pan.maximumInterval = .seconds(300)
        configuration.policy.pan.maximumAge = .seconds(3_600)
        // Longer than any fault phase, so that only a clock jump can make a job expire.
        configuration.policy.maximumAge = .seconds(7 * 86_400)
        configuration.policy.maximumFailures = 100_000
        configuration.policy.doubtMaximumAge = world.doubtMaximumAge
        configuration.purchaseGuard = world.purchaseGuard
        configuration.policy.maximumResendings = 1_000
        configuration.policy.destination = world.bug == .destinationIgnored ? "any" : process.destination
        configuration.policy.notFound.meaning = world.bug == .ownerNotAsked ? .believe : world.conditions.notFound
        if world.conditions.asksByNumber { configuration.enquiresBy = .bosReference }
        if world.bug == .refusalSettledAtOnce {
            (configuration.policy.notFound.refusalAnswers, configuration.policy.notFound.refusalWindow) = (1, .zero)
        }
        if world.bug == .notFoundBelieved { (configuration.policy.notFound.answers, configuration.policy.notFound.window) = (1, .zero) }
        return configuration
    }

    /// Runs until the process ends or the task is cancelled.
    func run() async {
        await outbox.loadBacklog()
        let readsHolds = world.hasHolds && world.bug != .holdIgnored
        if readsHolds { await holds.read() }
        await withDiscardingTaskGroup { group in
            group.addTask { await outbox.runRelay() }
            group.addTask { await outbox.runMarkPublished() }
            for lane in lanes.all {
                group.addTask { await lane.gate.run { reason in await probe.check(reason, in: lane) } }
                group.addTask { await consume(lane) }
            }
            if readsHolds { group.addTask { await holds.run() } }
            group.addTask { await calibrator.run() }
            group.addTask { await loseSessions() }
            group.addTask { await process.shakeClock() }
            group.addTask { await stop() }
            await process.whenDead()
            outbox.finish()
            group.cancelAll()
        }
    }

    /// Ends the worker's session with the broker now and then. The worker itself goes on.
    private func loseSessions() async {
        while world.isInFaultPhase, process.isAlive, !Task.isCancelled {
            await world.sleep(1_000)
            guard world.shouldFail(world.faultRates.lostSession) else { continue }
            world.note("\(process.name) loses its session")
            broker.endSession(of: process.name)
        }
    }

    /// Stops the worker in good order now and then, and when the API has moved. The worker takes no more messages, and ends when it holds no
    /// delivery.
    private func stop() async {
        while !drain.isDraining, process.isAlive, !Task.isCancelled {
            await world.sleep(10_000)
            guard world.shouldFail(world.faultRates.crash) || process.isOutdated else { continue }
            world.note("\(process.name) is asked to stop")
            drain.drain()
        }
        while process.isAlive, broker.holds(process.name), !Task.isCancelled { await world.sleep(100) }
        process.crash()
    }

    /// Takes as many messages at once as the real prefetch allows while the gate is open, and one at a time while it offers a trial.
    private func consume(_ lane: Lane) async {
        let queue = lane.name == .money ? ModelBroker.rechargeQueue : ModelBroker.statusQueue
        let prefetch = lane.name == .money ? 8 : 4
        let running = RunningCount()
        await withDiscardingTaskGroup { group in
            while process.isAlive, !drain.isDraining, !Task.isCancelled {
                let most = lane.gate.isOpen ? prefetch : lane.gate.offersTrial ? 1 : 0
                guard running.count.withLock({ $0 }) < most else {
                    await world.sleep(most == 0 ? 500 : 50)
                    continue
                }
                guard let delivery = broker.take(queue, for: process.name) else {
                    // Not woken by the broker, because a gate that offers a trial may close before a message comes.
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

private final class RunningCount: Sendable {
    let count = Mutex(0)
}
