import JobModel
import Ledger
import Testing

extension LedgerContract {
    static let purchasing = [
        LedgerContract("the same purchase under a new reference repeats the last one, and nothing is stored") { ledger in
            _ = try await ledger.claim(purchase("r-1", at: 0, notSince: nil))
            _ = try await ledger.claim(purchase("r-2", at: 1, notSince: nil))
            #expect(try await ledger.claim(purchase("r-3", at: 60, notSince: 0)) == .repeats(reference: "r-2"))
            #expect(try await ledger.job(.recharge, reference: "r-3") == nil)
            #expect(try await ledger.summary().stored == [.init(.recharge, in: .sending): 2])
        },
        LedgerContract("a purchase repeats one that was accepted at the start of the checked time or later") {
            ledger in
            try await succeed(purchase("r-1", at: 10, notSince: nil), in: ledger)
            #expect(try await ledger.claim(purchase("r-2", at: 20, notSince: 10)) == .repeats(reference: "r-1"))
            // Accepted at a later time than the new one, because a clock was set back. It may still be the same purchase.
            #expect(try await ledger.claim(purchase("r-2", at: 5, notSince: 1)) == .repeats(reference: "r-1"))
            #expect(try await ledger.claim(purchase("r-2", at: 20, notSince: 11)).record != nil)
        },
        LedgerContract("a purchase repeats one that ended at the start of the checked time or later") { ledger in
            // Ends at second 9.
            try await succeed(purchase("r-1", at: 0, notSince: nil), in: ledger)
            #expect(try await ledger.claim(purchase("r-2", at: 20, notSince: 9)) == .repeats(reference: "r-1"))
            #expect(try await ledger.claim(purchase("r-2", at: 20, notSince: 10)).record != nil)
        },
        LedgerContract("a purchase repeats one that is not final, however old that is") { ledger in
            _ = try await ledger.claim(purchase("r-1", at: 0, notSince: nil))
            #expect(try await ledger.claim(purchase("r-2", at: 90_000, notSince: 80_000)) == .repeats(reference: "r-1"))
        },
        LedgerContract("a purchase of something else is not a repeat") { ledger in
            _ = try await ledger.claim(purchase("r-1", at: 0, notSince: nil))
            _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-2")))
            #expect(try await ledger.claim(purchase("r-3", key: [2], at: 1, notSince: 0)).record != nil)
        },
        LedgerContract("a job does not repeat itself") { ledger in
            _ = try await ledger.claim(purchase("r-1", at: 0, notSince: nil))
            #expect(
                try await ledger.claim(purchase("r-1", at: 1, notSince: 0))
                    == .resumed(#require(await ledger.job(.recharge, reference: "r-1")).record)
            )
        },
        LedgerContract("a purchase blocks another one unless it was proven not to be executed") { ledger in
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
        LedgerContract("a purchase that was refused at once does not block another one") { ledger in
            var claim = purchase("r-1", at: 0, notSince: nil)
            claim.progress = Sample.progress(.refused)
            claim.reply = Sample.reply(claim.job, state: .refused)
            _ = try await ledger.claim(claim)
            #expect(try await ledger.claim(purchase("r-2", at: 1, notSince: 0)).record != nil)
        },
        LedgerContract("a job that is held at once has its reply, no owner and no due time") { ledger in
            var claim = purchase("r-1", at: 0, notSince: nil)
            claim.progress = Sample.progress(.held)
            claim.reply = Sample.reply(claim.job, state: .held)
            let result = try await ledger.claim(claim)
            #expect(result.record?.owner == nil)
            #expect(result.replies.count == 1)
            let now = Sample.moment(1_000_000)
            for lane in JobLane.allCases { #expect(try await ledger.takeDue(lane, at: now, leaseEnd: now, limit: 10).jobs.isEmpty) }
            #expect(try await ledger.claim(purchase("r-1", at: 1, notSince: nil)) == .waiting(result.replies))
        },
        LedgerContract("a held job is due at its deadline, in the lane of questions, and can be claimed then") { ledger in
            var claim = purchase("r-1", at: 0, notSince: nil)
            claim.progress = Sample.progress(.held, dueAt: Sample.moment(100))
            let held = try #require(try await ledger.claim(claim).record)
            #expect(try await due(lane: .questions, at: 99, in: ledger) == [])
            #expect(try await ledger.claim(purchase("r-1", at: 99, notSince: nil)) == .waiting([]))
            #expect(try await due(lane: .money, at: 100, in: ledger) == [])
            #expect(try await due(lane: .questions, at: 100, in: ledger) == [held.id])
            #expect(try await ledger.claim(purchase("r-1", at: 100, notSince: nil)).record?.owner == "run-1")
        },
        LedgerContract("a held job does not become due after an operator's claim that was lost") { ledger in
            var claim = purchase("r-1", at: 0, notSince: nil)
            claim.progress = Sample.progress(.held)
            _ = try await ledger.claim(claim)
            claim.isFromOperator = true
            #expect(try await ledger.claim(claim).record?.owner == "run-1")
            for lane in JobLane.allCases { #expect(try await due(lane: lane, at: 1_000_000, in: ledger) == []) }
        },
    ]

    private static func succeed(_ claim: Claim, in ledger: any Ledger) async throws {
        let id = try #require(try await ledger.claim(claim).record?.id)
        _ = try await ledger.update(Sample.update(id, to: .succeeded))
    }

    private static func due(lane: JobLane, at second: Int64, in ledger: any Ledger) async throws -> [Int64] {
        let now = Sample.moment(second)
        return try await ledger.takeDue(lane, at: now, leaseEnd: now, limit: 10).jobs.map(\.id)
    }

    private static func purchase(_ reference: String, key: [UInt8] = [1], at second: Int64, notSince: Int64?) -> Claim {
        var claim = Sample.claim(Sample.job(.recharge, reference: reference), now: Sample.moment(second))
        claim.purchase = Claim.Purchase(key: key, notSince: notSince.map { Sample.moment($0) })
        return claim
    }
}
