import JobEngine
import JobModel
import Ledger
import Synchronization

/// One process with its ways out to the world. A crash cuts them all at once: what the process does from then on has no effect.
final class Process: Sendable {
    let name: String
    let clock: WorldClock
    /// The API that it is configured for.
    let destination: String
    let world: World
    let setting: Setting
    let gateway: BOSClientGateway
    let memory = Mutex(CallMemory())
    private let alive: Alive
    private let onCrash = WakeSignal()

    init(_ name: String, in setting: Setting) {
        self.name = name
        self.setting = setting
        world = setting.world
        clock = WorldClock(world, machine: name)
        destination = world.climate.destination(at: world.elapsed)
        let alive = Alive()
        self.alive = alive
        gateway = BOSClientGateway(ModelCalls(bos: setting.bos, destination: destination) { alive.flag.load(ordering: .relaxed) })
    }

    /// Whether it is configured for an API that has moved since.
    var isOutdated: Bool { world.climate.destination(at: world.elapsed) != destination }

    var isAlive: Bool { alive.flag.load(ordering: .relaxed) }

    func crash() {
        guard alive.flag.exchange(false, ordering: .relaxed) else { return }
        world.note("\(name) crashes")
        setting.broker.lose(name)
        onCrash.pulse()
    }

    /// Returns when the process is dead, or the task is cancelled.
    func whenDead() async { while isAlive, !Task.isCancelled { await onCrash.wait() } }

    /// A moment at which the process may die. `false` if it is dead.
    func survives() -> Bool {
        if isAlive, world.strikes(world.weather.crash) { crash() }
        return isAlive
    }

    /// Its clock is put wrong now and then. Ends with the storm.
    func shakeClock() async {
        while world.isStormy, isAlive, !Task.isCancelled {
            await world.sleep(5_000)
            if world.strikes(world.weather.clockJump) { clock.jump() }
        }
    }
}

/// What all processes of a story work with.
struct Setting: Sendable {
    let world: World
    let ledger: MemoryLedger
    let broker: ModelBroker
    let bos: ModelBOS
    let audit: Audit
}

private final class Alive: Sendable {
    let flag = Atomic(true)
}
