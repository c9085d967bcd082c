import JobEngine
import JobModel
import Ledger
import Synchronization

/// One process with its connections to ledger, broker and BOS. A crash cuts all of them at once, and later calls have no effect.
final class SimulatedProcess: Sendable {
    let name: String
    let clock: WorldClock
    /// The API that the process is configured for.
    let destination: String
    let world: SimulatedWorld
    let environment: SimulatedEnvironment
    let gateway: BOSClientGateway
    let memory = Mutex(CallMemory())
    private let alive: AliveFlag
    private let onCrash = WakeSignal()

    init(_ name: String, in environment: SimulatedEnvironment) {
        self.name = name
        self.environment = environment
        world = environment.world
        clock = WorldClock(world, machine: name)
        destination = world.conditions.destination(at: world.elapsed)
        let alive = AliveFlag()
        self.alive = alive
        gateway = BOSClientGateway(
            ModelBOSCalls(bos: environment.bos, destination: destination, audit: environment.audit) { alive.flag.load(ordering: .relaxed) })
    }

    /// Whether another API has replaced the one that the process is configured for.
    var isOutdated: Bool { world.conditions.destination(at: world.elapsed) != destination }

    var isAlive: Bool { alive.flag.load(ordering: .relaxed) }

    func crash() {
        guard alive.flag.exchange(false, ordering: .relaxed) else { return }
        world.note("\(name) crashes")
        environment.broker.endSession(of: name)
        onCrash.pulse()
    }

    /// Returns when the process has ended or the task is cancelled.
    func whenDead() async { while isAlive, !Task.isCancelled { await onCrash.wait() } }

    /// Gives the process a chance to crash.
    /// - Returns: whether the process is alive.
    func survives() -> Bool {
        if isAlive, world.shouldFail(world.faultRates.crash) { crash() }
        return isAlive
    }

    /// Sets the clock of the process wrong now and then. Returns when the fault phase ends.
    func shakeClock() async {
        while world.isInFaultPhase, isAlive, !Task.isCancelled {
            await world.sleep(5_000)
            if world.shouldFail(world.faultRates.clockJump) { clock.jump() }
        }
    }
}

/// What all processes of a scenario share.
struct SimulatedEnvironment: Sendable {
    let world: SimulatedWorld
    let ledger: MemoryLedger
    let broker: ModelBroker
    let bos: ModelBOS
    let audit: Audit
}

private final class AliveFlag: Sendable {
    let flag = Atomic(true)
}

/// The clock of one process. Its wall clock may be set wrong, and is right again after the fault phase.
final class WorldClock: EngineClock {
    private let world: SimulatedWorld
    private let boot: String
    /// When the machine of this process booted, in milliseconds since the start of the simulation.
    private let bootedAt: Int64
    /// How far the wall clock is from the correct time, in milliseconds.
    private let offset = Mutex<Int64>(0)

    init(_ world: SimulatedWorld, machine: String) {
        self.world = world
        boot = world.conditions.hasManyMachines ? machine : "simulation"
        bootedAt = world.conditions.hasManyMachines ? world.elapsed - Int64(world.number(0...600_000)) : 0
    }

    /// Sets the wall clock wrong, forwards or backwards, by up to an hour or by up to 30 years.
    func jump() {
        let most = world.chance(world.faultRates.yearsJump) ? 30 * 365 * 86_400_000 : 3_600_000
        let jump = Int64(world.number(-most...most))
        offset.withLock { $0 = jump }
        world.note("the wall clock of \(boot) jumps to \(jump / 1_000) s from the correct time")
    }

    func now() -> Timestamp { world.wallClock + .milliseconds(world.isInFaultPhase ? offset.withLock { $0 } : 0) }
    func uptime() -> Duration { .milliseconds(world.elapsed) }
    func monotonic() -> BootTime { BootTime(boot: boot, milliseconds: world.elapsed - bootedAt) }
    func sleep(for duration: Duration) async { await world.sleep(max(0, Int64((duration / .milliseconds(1)).rounded(.up)))) }
    func jitter() -> Double { world.fraction() }
}
