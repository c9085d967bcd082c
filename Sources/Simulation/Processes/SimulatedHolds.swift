import JobModel
import Ledger

/// An operator who holds recharges or questions now and then during the fault phase, and ends each hold.
struct SimulatedHolds {
    let environment: SimulatedEnvironment

    /// How often a worker reads the holds. Longer than a real worker's pause, so that a simulation takes fewer steps.
    static let readingInterval = Duration.seconds(10)

    private var world: SimulatedWorld { environment.world }

    func run() async {
        while world.isInFaultPhase, !Task.isCancelled {
            await world.sleep(Int64(world.number(5_000...60_000)))
            let lane = world.pick(JobLane.allCases)
            await set(LaneHold(since: world.wallClock, user: "asha", host: "pay-1", reason: "simulated"), of: lane)
            await world.sleep(Int64(world.number(1_000...120_000)))
            await set(nil, of: lane)
        }
    }

    private func set(_ hold: LaneHold?, of lane: JobLane) async {
        world.note("the operator \(hold == nil ? "resumes" : "holds") \(lane)")
        if hold == nil { environment.audit.held(lane, since: nil) }
        _ = try? await environment.ledger.setHold(hold, of: lane)
        if hold != nil { environment.audit.held(lane, since: world.elapsed) }
    }
}
