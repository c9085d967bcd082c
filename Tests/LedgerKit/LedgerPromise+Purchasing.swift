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
        LedgerPromise("a purchase repeats another from the very moment on from which it is asked for, and not before") { ledger in
            _ = try await ledger.claim(purchase("r-1", at: 10, notSince: nil))
            #expect(try await ledger.claim(purchase("r-2", at: 20, notSince: 11)).record != nil)
            #expect(try await ledger.claim(purchase("r-3", at: 20, notSince: 11)) == .repeats(reference: "r-2"))
            // Accepted later by the clock than the new one: a clock was set back, and nothing says that it is another purchase.
            #expect(try await ledger.claim(purchase("r-4", at: 5, notSince: 1)) == .repeats(reference: "r-2"))
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
        LedgerPromise("what is held back at once has its reply, no owner and no time to be due") { ledger in
            var claim = purchase("r-1", at: 0, notSince: nil)
            claim.progress = Sample.progress(.held)
            claim.reply = Sample.reply(claim.job, .held)
            let result = try await ledger.claim(claim)
            #expect(result.record?.owner == nil)
            #expect(result.replies.count == 1)
            let now = Sample.moment(1_000_000)
            #expect(try await ledger.takeDue(.money, at: now, leaseEnd: now, limit: 10).isEmpty)
            #expect(try await ledger.claim(purchase("r-1", at: 1, notSince: nil)) == .waiting(result.replies))
        },
    ]

    private static func purchase(_ reference: String, key: [UInt8] = [1], at second: Int64, notSince: Int64?) -> Claim {
        var claim = Sample.claim(Sample.job(.recharge, reference), now: Sample.moment(second))
        claim.purchase = Claim.Purchase(key: key, notSince: notSince.map { Sample.moment($0) })
        return claim
    }
}
