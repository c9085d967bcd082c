import JobModel
import Ledger

extension LedgerSession {
    /// See ``OperatorLedger/begin(_:)``.
    func begin(_ action: OperatorAction) throws -> OperatorAction.ID {
        try statements.operators.begin.insert {
            $0.bind(action.at.milliseconds)
            $0.bind(action.user)
            $0.bind(action.host)
            $0.bind(action.command)
            $0.bind(action.subject)
            $0.bind(action.reason)
        }
    }

    /// See ``OperatorLedger/end(_:result:at:)``.
    func end(_ id: OperatorAction.ID, result: String, at now: Timestamp) throws {
        try statements.operators.end.run {
            $0.bind(now.milliseconds)
            $0.bind(result)
            $0.bind(id)
        }
    }

    /// See ``OperatorLedger/actions(before:limit:)``. A time out of range is shown as the start of 1970.
    func actions(before id: OperatorAction.ID?, limit: Int) throws -> [RecordedAction] {
        var actions: [RecordedAction] = []
        try statements.operators.actions.query {
            $0.bind(id ?? .max)
            $0.bind(max(0, limit))
        } row: { row in
            let action = OperatorAction(
                at: Self.time(1, of: row), user: row.text(2), host: row.text(3), command: row.text(4), subject: row.text(5),
                reason: row.text(6))
            let endedAt = row.optionalInt64(7) == nil ? nil : Self.time(7, of: row)
            actions.append(RecordedAction(id: row.int64(0), action, result: row.optionalText(8), endedAt: endedAt))
        }
        return actions
    }

    /// See ``OperatorLedger/holds()``. A hold whose lane is unknown to this version holds both lanes, which is the safe reading.
    func holds() throws -> [JobLane: LaneHold] {
        var holds: [JobLane: LaneHold] = [:]
        try statements.operators.holds.query(row: { row in
            let hold = LaneHold(since: Self.time(1, of: row), user: row.text(2), host: row.text(3), reason: row.text(4))
            let lane = JobLane(rawValue: row.text(0))
            for held in lane.map({ [$0] }) ?? JobLane.allCases where lane != nil || holds[held] == nil { holds[held] = hold }
        })
        return holds
    }

    /// See ``OperatorLedger/setHold(_:of:)``.
    func setHold(_ hold: LaneHold?, of lane: JobLane) throws -> LaneHold? {
        let before = try holds()[lane]
        if let hold {
            try statements.operators.setHold.run {
                $0.bind(lane.rawValue)
                $0.bind(hold.since.milliseconds)
                $0.bind(hold.user)
                $0.bind(hold.host)
                $0.bind(hold.reason)
            }
        } else {
            try statements.operators.endHold.run { $0.bind(lane.rawValue) }
        }
        return before
    }

    private static func time(_ column: Int32, of row: Columns) -> Timestamp {
        (try? row.timestamp(column, named: "time of an action")) ?? Timestamp(milliseconds: 0)
    }
}
