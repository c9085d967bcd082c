import JobEngine
import JobModel
import Ledger
import Synchronization

/// One process with its ways out to the world. A crash cuts them all at once: what the process does from then on has no effect.
final class SimulatedProcess: Sendable {
    let name: String
    let clock: WorldClock
    /// The API that it is configured for.
    let destination: String
    let world: SimulatedWorld
    let environment: SimulatedEnvironment
    let gateway: BOSClientGateway
    let memory = Mutex(CallMemory())
    private let alive: AliveFlag
    private let onCrash = Signal()

    init(_ name: String, in environment: SimulatedEnvironment) {
        self.name = name
        self.environment = environment
        world = environment.world
        clock = WorldClock(world, machine: name)
        destination = world.conditions.destination(at: world.elapsed)
        let alive = AliveFlag()
        self.alive = alive
        gateway = BOSClientGateway(ModelBOSCalls(bos: environment.bos, destination: destination) { alive.flag.load(ordering: .relaxed) })
    }

    /// Whether it is configured for an API that has moved since.
    var isOutdated: Bool { world.conditions.destination(at: world.elapsed) != destination }

    var isAlive: Bool { alive.flag.load(ordering: .relaxed) }

    func crash() {
        guard alive.flag.exchange(false, ordering: .relaxed) else { return }
        world.note("\(name) crashes")
        environment.broker.endSession(of: name)
        onCrash.pulse()
    }

    /// Returns when the process is dead, or the task is cancelled.
    func whenDead() async { while isAlive, !Task.isCancelled { await onCrash.wait() } }

    /// A moment at which the process may die. `false` if it is dead.
    func survives() -> Bool {
        if isAlive, world.shouldFail(world.faultRates.crash) { crash() }
        return isAlive
    }

    /// Its clock is put wrong now and then. Ends with the storm.
    func shakeClock() async {
        while world.isInFaultPhase, isAlive, !Task.isCancelled {
            await world.sleep(5_000)
            if world.shouldFail(world.faultRates.clockJump) { clock.jump() }
        }
    }
}

/// What all processes of a story work with.
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

/// The world's time as one process reads it. Its civil clock is put wrong now and then, and is right again after the storm.
final class WorldClock: EngineClock {
    private let world: SimulatedWorld
    private let boot: String
    /// When this process's machine was started, in the world's milliseconds.
    private let bootedAt: Int64
    /// Milliseconds by which civil time is off.
    private let offset = Mutex<Int64>(0)

    init(_ world: SimulatedWorld, machine: String) {
        self.world = world
        boot = world.conditions.hasManyMachines ? machine : "simulation"
        bootedAt = world.conditions.hasManyMachines ? world.elapsed - Int64(world.number(0...600_000)) : 0
    }

    /// Puts the clock wrong by up to an hour or by years, either way.
    func jump() {
        let most = world.chance(world.faultRates.yearsJump) ? 30 * 365 * 86_400_000 : 3_600_000
        let jump = Int64(world.number(-most...most))
        offset.withLock { $0 = jump }
        world.note("the civil clock of \(boot) jumps to \(jump / 1_000) s from the true time")
    }

    func now() -> Timestamp { world.wallClock + .milliseconds(world.isInFaultPhase ? offset.withLock { $0 } : 0) }
    func uptime() -> Duration { .milliseconds(world.elapsed) }
    func steady() -> SteadyTime { SteadyTime(boot: boot, milliseconds: world.elapsed - bootedAt) }
    func sleep(for duration: Duration) async { await world.sleep(max(0, Int64((duration / .milliseconds(1)).rounded(.up)))) }
    func jitter() -> Double { world.fraction() }
}
