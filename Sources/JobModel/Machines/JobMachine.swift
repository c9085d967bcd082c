/// The life of one job as a value: it takes what happened, remembers it in its progress and says the next step.
///
/// It does no I/O and has no clock or randomness of its own, so that the same value runs in production and in a simulation.
package protocol JobMachine: Sendable {
    /// What a call to BOS can report.
    associatedtype Event: Sendable

    /// The machine of a job as the ledger knows it; `nil` if the job is of another kind.
    /// - Parameter acceptedAt: how long the job is tried counts from here.
    init?(_ job: Job, acceptedAt: Timestamp, progress: Progress, policy: RetryPolicy)

    var progress: Progress { get }

    /// Why the last event was taken as it was, in one clause for the job's history; empty if the event says it itself.
    var remark: String { get }

    /// Takes the job up: for the first time, again after a crash, or when what it waited for is due.
    /// - Parameters:
    ///   - now: the present on both clocks.
    ///   - jitter: a random number from 0 up to, not including, 1.
    mutating func wake(at now: Moment, jitter: Double) -> Step

    /// Takes in what became of the last step.
    mutating func on(_ event: Event, at now: Moment, jitter: Double) -> Step

    /// The job is set aside until it is due. Returns what to tell its askers meanwhile, or `nil` if they know already.
    mutating func setAside() -> Verdict?
}
