import Foundation

/// The size of the end-to-end tests. It is small by default, so that they can run with every change. `deploy/prove` sets the full size.
enum Scale {
    /// Recharges sent through an undisturbed worker.
    static let jobs = number("BOS_PROOF_JOBS", default: 400)
    /// Recharges during which the worker is killed, and the number of kills.
    static let crashJobs = number("BOS_PROOF_CRASH_JOBS", default: 200)
    static let crashes = number("BOS_PROOF_CRASHES", default: 4)
    /// Recharges during which the broker is cut off twice.
    static let outageJobs = number("BOS_PROOF_OUTAGE_JOBS", default: 300)
    /// Recharges while everything fails at once, with a tenth as many PAN applications.
    static let stormJobs = number("BOS_PROOF_STORM_JOBS", default: 150)
    /// How often the broker is ended meanwhile.
    static let stormOutages = number("BOS_PROOF_STORM_OUTAGES", default: 1)
    /// Recharges sent to a server that answers twice.
    static let strayAnswers = number("BOS_PROOF_STRAY_ANSWERS", default: 1_000)
    /// Messages that are not jobs.
    static let malformed = number("BOS_PROOF_MALFORMED", default: 66)
    /// Decides when programs are killed, and seeds the simulator.
    static let seed = UInt64(number("BOS_PROOF_SEED", default: 1))

    private static func number(_ name: String, default standard: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap(Int.init) ?? standard
    }
}
