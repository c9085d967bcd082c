import JobModel
import Ledger
import Testing

extension LedgerContract {
    static let operators = [
        LedgerContract("an action is on record before it ends, then with its result, and the newest comes first") { ledger in
            let first = try await ledger.begin(action("resolve --failed", about: "r-1"))
            let second = try await ledger.begin(action("pause recharges"))
            #expect(first < second)
            try await ledger.end(first, result: "resolved", at: Sample.moment(5))
            let actions = try await ledger.actions(before: nil, limit: 10)
            #expect(
                actions == [
                    RecordedAction(id: second, action("pause recharges")),
                    RecordedAction(id: first, action("resolve --failed", about: "r-1"), result: "resolved", endedAt: Sample.moment(5)),
                ])
            #expect(try await ledger.actions(before: second, limit: 10).map(\.id) == [first])
            #expect(try await ledger.actions(before: nil, limit: 1).map(\.id) == [second])
            #expect(try await ledger.actions(before: nil, limit: 0).isEmpty)
        },
        LedgerContract("the first result of an action stays, and an unknown action has none") { ledger in
            let id = try await ledger.begin(action("retry", about: "r-1"))
            try await ledger.end(id, result: "due now", at: Sample.moment(1))
            try await ledger.end(id, result: "other", at: Sample.moment(2))
            try await ledger.end(id + 1, result: "other", at: Sample.moment(2))
            #expect(try await ledger.actions(before: nil, limit: 10).map(\.result) == ["due now"])
            #expect(try await ledger.actions(before: nil, limit: 10).map(\.endedAt) == [Sample.moment(1)])
        },
        LedgerContract("a held lane stays held, by the latest hold, until the hold ends; the other lane is not held") { ledger in
            #expect(try await ledger.holds().isEmpty)
            let (first, second) = (hold("BOS asks for it", at: 1), hold("still", at: 2))
            var before: [LaneHold?] = [try await ledger.setHold(first, of: .money)]
            #expect(try await ledger.holds() == [.money: first])
            before.append(try await ledger.setHold(second, of: .money))
            before.append(try await ledger.setHold(first, of: .questions))
            #expect(try await ledger.holds() == [.money: second, .questions: first])
            before.append(try await ledger.setHold(nil, of: .money))
            before.append(try await ledger.setHold(nil, of: .money))
            #expect(try await ledger.holds() == [.questions: first])
            #expect(before == [nil, first, nil, second, nil])
        },
    ]

    private static func action(_ command: String, about subject: String = "") -> OperatorAction {
        OperatorAction(at: Sample.moment(1), user: "asha", host: "pay-1", command: command, subject: subject, reason: "ticket 7")
    }

    private static func hold(_ reason: String, at second: Int64) -> LaneHold {
        LaneHold(since: Sample.moment(second), user: "asha", host: "pay-1", reason: reason)
    }
}
