package import JobModel

extension MemoryLedger: OperatorLedger {
    package func replies(toJob id: Int64) async throws(LedgerError) -> [ReplyRecord] {
        try withOpenState { $0.replies(toJob: id) }
    }

    package func begin(_ action: OperatorAction) async throws(LedgerError) -> OperatorAction.ID {
        try withOpenState { state in
            state.actions.append(RecordedAction(id: Int64(state.actions.count) + 1, action))
            return Int64(state.actions.count)
        }
    }

    package func end(_ id: OperatorAction.ID, result: String, at now: Timestamp) async throws(LedgerError) {
        try withOpenState { state in
            guard let index = state.actions.firstIndex(where: { $0.id == id && $0.result == nil }) else { return }
            (state.actions[index].result, state.actions[index].endedAt) = (result, now)
        }
    }

    package func actions(before id: OperatorAction.ID?, limit: Int) async throws(LedgerError) -> [RecordedAction] {
        try withOpenState { state in
            Array(state.actions.reversed().lazy.filter { $0.id < id ?? .max }.prefix(max(0, limit)))
        }
    }

    package func holds() async throws(LedgerError) -> [JobLane: LaneHold] { try withOpenState { $0.holds } }

    package func setHold(_ hold: LaneHold?, of lane: JobLane) async throws(LedgerError) -> LaneHold? {
        try withOpenState { state in
            let before = state.holds[lane]
            state.holds[lane] = hold
            return before
        }
    }
}
