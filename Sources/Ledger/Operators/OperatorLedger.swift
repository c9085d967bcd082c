package import JobModel

/// What worker and poller read of the operators' holds.
package protocol HoldLedger: Sendable {
    /// The lanes that operators hold. Throws ``LedgerError``.
    func holds() async throws(LedgerError) -> [JobLane: LaneHold]
}

/// What operators' tools store beside the jobs: who changed what and why, and which lanes are held. No job's way writes here.
///
/// Each method throws ``LedgerError``, and has then changed nothing.
package protocol OperatorLedger: Ledger, HoldLedger {
    /// All replies to a job, to all its recipients, the oldest first. Unreadable ones are left out.
    func replies(toJob id: Int64) async throws(LedgerError) -> [ReplyRecord]

    /// Stores an action before it is carried out, so that an interrupted command is on record too.
    func begin(_ action: OperatorAction) async throws(LedgerError) -> OperatorAction.ID

    /// Records how an action ended. Does nothing if the action has ended or is unknown.
    /// - Parameter result: one clause for people, without a secret or a subscriber number.
    func end(_ id: OperatorAction.ID, result: String, at now: Timestamp) async throws(LedgerError)

    /// Actions, the newest first.
    /// - Parameter id: only actions with a smaller id are returned; `nil` starts at the newest.
    func actions(before id: OperatorAction.ID?, limit: Int) async throws(LedgerError) -> [RecordedAction]

    /// Holds a lane, or ends its hold.
    /// - Returns: the hold that stood before.
    func setHold(_ hold: LaneHold?, of lane: JobLane) async throws(LedgerError) -> LaneHold?
}
