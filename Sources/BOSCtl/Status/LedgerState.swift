import JobModel
import Ledger

/// What the ledger alone tells of the work that is left, for the time in which no worker answers.
struct LedgerState {
    let summary: LedgerSummary
    let holds: [JobLane: LaneHold]
    let now: Timestamp

    init(_ ledger: any OperatorLedger, now: Timestamp) async throws {
        summary = try await ledger.summary()
        holds = try await ledger.holds()
        self.now = now
    }

    /// Jobs that wait in the ledger, or that a worker had begun, and go on through this lane's queue.
    func unfinished(_ lane: JobLane) -> Int {
        switch lane {
        case .money: count(.recharge, in: [.accepted, .sending])
        case .questions:
            count(.recharge, in: [.inDoubt]) + count(.rechargeStatus, in: [.accepted, .sending, .pending])
                + count(.panStatus, in: [.accepted, .sending, .pending])
        }
    }

    /// How long the longest overdue job that waits in the ledger has been due; `nil` if none is.
    var overdue: Duration? {
        guard let due = summary.oldestDue, due < now else { return nil }
        return now - due
    }

    /// Recharges whose outcome is unknown.
    var doubts: Int { count(.recharge, in: [.inDoubt, .parked]) }
    /// Recharges that wait for a person.
    var leftToPerson: Int { count(.recharge, in: [.parked, .held]) }

    private func count(_ kind: JobKind, in states: [JobState]) -> Int {
        states.reduce(0) { $0 + summary.stored[.init(kind, in: $1), default: 0] }
    }
}
