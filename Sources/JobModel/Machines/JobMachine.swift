/// The state machine of one job, as a value. It takes an event, keeps the result in its progress and returns the next step.
///
/// A machine does no I/O, reads no clock and draws no random numbers, so production and simulation run the same machine.
package protocol JobMachine: Sendable {
    /// The possible results of a call to BOS.
    associatedtype Event: Sendable

    /// The machine of a job as it is stored in the ledger.
    /// - Parameters:
    ///   - acceptedAt: when the worker accepted the job. The job's age counts from here.
    ///   - progress: the stored progress; a new one for a new job.
    /// - Returns: `nil` if the job is of another kind.
    init?(_ job: Job, acceptedAt: Timestamp, progress: Progress, policy: RetryPolicy)

    var progress: Progress { get }

    /// The reason for the last step, in one clause for the job's history; empty if the event is reason enough.
    var remark: String { get }

    /// Starts the job, or continues it after a crash or when it is due.
    /// - Parameters:
    ///   - now: the present on both clocks.
    ///   - jitter: a random number from 0 up to, not including, 1.
    mutating func wake(at now: ClockReading, jitter: Double) -> Step

    /// Processes the result of the last step.
    /// - Parameters:
    ///   - now: the present on both clocks.
    ///   - jitter: a random number from 0 up to, not including, 1.
    mutating func on(_ event: Event, at now: ClockReading, jitter: Double) -> Step

    /// Called when the job is going to wait in the ledger. Records that the recipients get an interim reply.
    /// - Returns: the verdict of that reply; `nil` if there is nothing new to publish.
    mutating func takeInterimVerdict() -> Verdict?
}
