import JobModel
import Ledger
import Testing

extension LedgerContract {
    static let codes = [
        LedgerContract("BOS's answers are counted by endpoint, status and code, with the last message of each") { ledger in
            let refused = CodeSighting.Name(.recharge, httpStatus: 200, responseCode: 5, status: false)
            let bare = CodeSighting.Name(.recharge, httpStatus: 200)
            let asked = CodeSighting.Name(.enquiry, httpStatus: 200, responseCode: 5, status: false)
            #expect(try await ledger.codes().isEmpty)
            try await hear([CodeSighting(asked, message: "no"), CodeSighting(refused, message: "first")], at: 1, in: ledger)
            try await hear([CodeSighting(refused, message: "second"), CodeSighting(bare, message: "")], at: 2, in: ledger)
            try await hear([CodeSighting(.panStatus, answer: Answer(httpStatus: 401, status: true, message: "x"))], at: 3, in: ledger)
            let codes = try await ledger.codes()
            #expect(codes.map(\.name) == [bare, refused, asked, .init(.panStatus, httpStatus: 401, status: true)])
            #expect(codes.map(\.timesSeen) == [1, 2, 1, 1])
            #expect(codes.map(\.message) == ["", "second", "no", "x"])
            #expect(codes.map(\.firstSeen) == [2, 1, 1, 3].map(Sample.moment))
            #expect(codes.map(\.lastSeen) == [2, 2, 1, 3].map(Sample.moment))
        },
        LedgerContract("a recharge's outcome is counted beside its first answer, and does not count as another such answer") { ledger in
            let name = CodeSighting.Name(.recharge, httpStatus: 200, responseCode: 5, status: false)
            try await hear([CodeSighting(name, message: "heard")], at: 1, in: ledger)
            for (second, outcome) in Outcome.allCases.enumerated() {
                try await hear([CodeSighting(name, message: "later", afterwards: outcome)], at: Int64(second) + 2, in: ledger)
            }
            let code = try #require(try await ledger.codes().first)
            #expect([code.timesSeen, code.succeeded, code.failed, code.notFound] == [1, 1, 2, 1])
            #expect(code.message == "heard")
            #expect(code.lastSeen == Sample.moment(1))
        },
        LedgerContract("only a limited number of different answers is counted separately, all others together") { ledger in
            for code in 0..<CodeCount.maximum + 20 {
                try await hear([CodeSighting(.init(.recharge, httpStatus: 200, responseCode: code), message: "m")], at: 1, in: ledger)
            }
            try await hear([CodeSighting(.init(.recharge, httpStatus: 200, responseCode: 3), message: "m")], at: 2, in: ledger)
            let codes = try await ledger.codes()
            #expect(codes.count == CodeCount.maximum + 1)
            #expect(codes[3].timesSeen == 2)
            #expect(codes.last?.name == nil)
            #expect(codes.last?.timesSeen == 20)
        },
        LedgerContract("a lost update counts no answers") { ledger in
            var update = Sample.update(1, to: .inDoubt).by("another")
            update.sightings = [CodeSighting(.init(.recharge, httpStatus: 200), message: "")]
            _ = try await ledger.claim(Sample.claim())
            #expect(try await ledger.update(update) == .lost)
            #expect(try await ledger.codes().isEmpty)
        },
    ]

    /// Stores these answers with an update of a job.
    private static func hear(_ sightings: [CodeSighting], at second: Int64, in ledger: any Ledger) async throws {
        let owner = try #require(try await ledger.claim(Sample.claim()).record)
        var update = Sample.update(owner.id, to: .inDoubt, at: Sample.moment(second))
        update.sightings = sightings
        #expect(try await ledger.update(update) == .stored([]))
    }
}
