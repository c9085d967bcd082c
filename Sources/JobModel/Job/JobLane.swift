/// Which queue a job goes on in, with a share of the work of its own: questions never wait behind money.
package enum JobLane: Sendable, CaseIterable {
    /// The next step may move money.
    case money
    /// The next step only asks.
    case questions
}

extension Job {
    /// Where the job goes on from a state: a recharge that may have been executed is only asked about, like any question.
    package static func lane(_ kind: JobKind, _ state: JobState) -> JobLane {
        kind == .recharge && state == .accepted ? .money : .questions
    }
}
