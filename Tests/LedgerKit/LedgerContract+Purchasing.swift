import JobModel
import Ledger
import Testing

extension LedgerPromise {
    static let purchasing = [
        LedgerPromise("the same purchase under a new reference repeats the last one, and nothing is stored") { ledger in
            _ = try await ledger.claim(purchase("r-1", at: 0, notSince: nil))
            _ = try await ledger.claim(purchase("r-2", at: 1, notSince: nil))
            #expect(try await ledger.claim(purchase("r-3", at: 60, notSince: 0)) == .repeats(reference: "r-2"))
            #expect(try await ledger.job(.recharge, "r-3") == nil)
            #expect(try await ledger.summary().stored == [.init(.recharge, .sending): 2])
        },
        LedgerPromise("a purchase repeats one that was accepted at the very moment from which on it is asked for, and none before") {
            ledger in
            try await succeed(purchase("r-1", at: 10, notSince: nil), in: ledger)
            #expect(try await ledger.claim(purchase("r-2", at: 20, notSince: 10)) == .repeats(reference: "r-1"))
            // Accepted later by the clock than the new one: a clock was set back, and nothing says that it is another purchase.
            #expect(try await ledger.claim(purchase("r-2", at: 5, notSince: 1)) == .repeats(reference: "r-1"))
            #expect(try await ledger.claim(purchase("r-2", at: 20, notSince: 11)).record != nil)
        },
        LedgerPromise("a purchase repeats one that ended at the very moment from which on it is asked for, and none before") { ledger in
            // Ends at the ninth second.
            try await succeed(purchase("r-1", at: 0, notSince: nil), in: ledger)
            #expect(try await ledger.claim(purchase("r-2", at: 20, notSince: 9)) == .repeats(reference: "r-1"))
            #expect(try await ledger.claim(purchase("r-2", at: 20, notSince: 10)).record != nil)
        },
        LedgerPromise("a purchase that is not over is repeated however old it is") { ledger in
            _ = try await ledger.claim(purchase("r-1", at: 0, notSince: nil))
            #expect(try await ledger.claim(purchase("r-2", at: 90_000, notSince: 80_000)) == .repeats(reference: "r-1"))
        },
        LedgerPromise("only what buys the same is a repeat") { ledger in
            _ = try await ledger.claim(purchase("r-1", at: 0, notSince: nil))
            _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, "r-2")))
            #expect(try await ledger.claim(purchase("r-3", key: [2], at: 1, notSince: 0)).record != nil)
        },
        LedgerPromise("the same job again is no repeat of itself") { ledger in
            _ = try await ledger.claim(purchase("r-1", at: 0, notSince: nil))
            #expect(
                try await ledger.claim(purchase("r-1", at: 1, notSince: 0)) == .resumed(#require(await ledger.job(.recharge, "r-1")).record)
            )
        },
        LedgerPromise("what was proven to be unexecuted stands in nobody's way; whatever else became of it does") { ledger in
            let kinds: [JobState] = [.accepted, .sending, .inDoubt, .parked, .held, .succeeded, .failed, .refused, .expired]
            for (number, state) in kinds.enumerated() {
                let (first, second) = ("first-\(state)", "second-\(state)")
                let key = [UInt8(number)]
                let id = try #require(try await ledger.claim(purchase(first, key: key, at: 0, notSince: nil)).record?.id)
                _ = try await ledger.update(Sample.update(id, to: state))
                let result = try await ledger.claim(purchase(second, key: key, at: 60, notSince: 0))
                let isUnexecuted = [.failed, .refused, .expired].contains(state)
                #expect((result == .repeats(reference: first)) == !isUnexecuted, "\(state)")
            }
        },
        LedgerPromise("a purchase that was refused at once stands in nobody's way") { ledger in
            var claim = purchase("r-1", at: 0, notSince: nil)
            claim.progress = Sample.progress(.refused)
            claim.reply = Sample.reply(claim.job, .refused)
            _ = try await ledger.claim(claim)
            #expect(try await ledger.claim(purchase("r-2", at: 1, notSince: 0)).record != nil)
        },
        LedgerPromise("what is held back at once has its reply, no owner and no time to be due") { ledger in
            var claim = purchase("r-1", at: 0, notSince: nil)
            claim.progress = Sample.progress(.held)
            claim.reply = Sample.reply(claim.job, .held)
            let result = try await ledger.claim(claim)
            #expect(result.record?.owner == nil)
            #expect(result.replies.count == 1)
            let now = Sample.moment(1_000_000)
            for lane in JobLane.allCases { #expect(try await ledger.takeDue(lane, at: now, leaseEnd: now, limit: 10).jobs.isEmpty) }
            #expect(try await ledger.claim(purchase("r-1", at: 1, notSince: nil)) == .waiting(result.replies))
        },
        LedgerPromise("what is held back until a deadline is due then, to be asked about and not to be sent, and is taken up") { ledger in
            var claim = purchase("r-1", at: 0, notSince: nil)
            claim.progress = Sample.progress(.held, dueAt: Sample.moment(100))
            let held = try #require(try await ledger.claim(claim).record)
            #expect(try await due(ledger, .questions, at: 99) == [])
            #expect(try await ledger.claim(purchase("r-1", at: 99, notSince: nil)) == .waiting([]))
            #expect(try await due(ledger, .money, at: 100) == [])
            #expect(try await due(ledger, .questions, at: 100) == [held.id])
            #expect(try await ledger.claim(purchase("r-1", at: 100, notSince: nil)).record?.owner == "run-1")
        },
        LedgerPromise("what is left to a person is not due because somebody took it and was lost") { ledger in
            var claim = purchase("r-1", at: 0, notSince: nil)
            claim.progress = Sample.progress(.held)
            _ = try await ledger.claim(claim)
            claim.takesParked = true
            #expect(try await ledger.claim(claim).record?.owner == "run-1")
            for lane in JobLane.allCases { #expect(try await due(ledger, lane, at: 1_000_000) == []) }
        },
    ]

    private static func succeed(_ claim: Claim, in ledger: any Ledger) async throws {
        let id = try #require(try await ledger.claim(claim).record?.id)
        _ = try await ledger.update(Sample.update(id, to: .succeeded))
    }

    private static func due(_ ledger: any Ledger, _ lane: JobLane, at second: Int64) async throws -> [Int64] {
        let now = Sample.moment(second)
        return try await ledger.takeDue(lane, at: now, leaseEnd: now, limit: 10).jobs.map(\.id)
    }

    private static func purchase(_ reference: String, key: [UInt8] = [1], at second: Int64, notSince: Int64?) -> Claim {
        var claim = Sample.claim(Sample.job(.recharge, reference), now: Sample.moment(second))
        claim.purchase = Claim.Purchase(key: key, notSince: notSince.map { Sample.moment($0) })
        return claim
    }
}
