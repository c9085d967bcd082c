import JobEngine
import JobModel
import Synchronization

/// The world's time as one process reads it. Its civil clock is put wrong now and then, and is right again after the storm.
final class WorldClock: EngineClock {
    private let world: World
    private let boot: String
    /// When this process's machine was started, in the world's milliseconds.
    private let bootedAt: Int64
    /// Milliseconds by which civil time is off.
    private let offset = Mutex<Int64>(0)

    init(_ world: World, machine: String) {
        self.world = world
        boot = world.climate.hasManyMachines ? machine : "simulation"
        bootedAt = world.climate.hasManyMachines ? world.elapsed - Int64(world.number(0...600_000)) : 0
    }

    /// Puts the clock wrong by up to an hour or by years, either way.
    func jump() {
        let most = world.chance(world.weather.yearsJump) ? 30 * 365 * 86_400_000 : 3_600_000
        let jump = Int64(world.number(-most...most))
        offset.withLock { $0 = jump }
        world.note("the civil clock of \(boot) jumps to \(jump / 1_000) s from the true time")
    }

    func now() -> Timestamp { world.civil + .milliseconds(world.isStormy ? offset.withLock { $0 } : 0) }
    func uptime() -> Duration { .milliseconds(world.elapsed) }
    func steady() -> SteadyTime { SteadyTime(boot: boot, milliseconds: world.elapsed - bootedAt) }
    func sleep(for duration: Duration) async { await world.sleep(max(0, Int64((duration / .milliseconds(1)).rounded(.up)))) }
    func jitter() -> Double { world.fraction() }
}
