import JobModel
import Ledger
import Testing

extension LedgerContract {
    static let reading = [
        LedgerContract("an empty ledger has no jobs, replies or counts") { ledger in
            #expect(try await ledger.job(.recharge, reference: "r-1") == nil)
            #expect(try await ledger.summary() == LedgerSummary())
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies.isEmpty)
            try await ledger.checkWritable()
            #expect(try await ledger.summary() == LedgerSummary())
        },
        LedgerContract("the summary counts each job in its current state") { ledger in
            var expected: [LedgerSummary.Key: Int] = [:]
            for kind in JobKind.allCases {
                for (index, state) in JobState.allCases.enumerated() {
                    let record = try #require(
                        try await ledger.claim(Sample.claim(Sample.job(kind, reference: "r-\(index)"), state: .accepted)).record)
                    _ = try await ledger.update(Sample.update(record.id, to: state).keepingOwnership())
                    expected[.init(kind, in: state), default: 0] += 1
                }
            }
            #expect(try await ledger.summary().stored == expected)
        },
        LedgerContract("the summary has the amount in doubt and its age") { ledger in
            for number in 1...3 {
                let record = try #require(
                    try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-\(number)", paise: 100 * Int64(number)))).record
                )
                var update = Sample.update(record.id, to: .inDoubt).keepingOwnership()
                update.progress.firstSentAt = Sample.moment(Int64(number))
                _ = try await ledger.update(update)
            }
            #expect(try await ledger.summary().doubtAmount == Money(paise: 600))
            #expect(try await ledger.summary().oldestDoubt == Sample.moment(1))
            let first = try #require(try await ledger.job(.recharge, reference: "r-1")?.record.id)
            _ = try await ledger.update(Sample.update(first, to: .succeeded))
            #expect(try await ledger.summary().doubtAmount == Money(paise: 500))
            #expect(try await ledger.summary().oldestDoubt == Sample.moment(2))
        },
        LedgerContract("the summary has the earliest due time of waiting jobs only") { ledger in
            for (number, state) in [JobState.accepted, .inDoubt, .pending, .succeeded].enumerated() {
                let record = try #require(
                    try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-\(number)"))).record)
                _ = try await ledger.update(Sample.update(record.id, to: state, dueAt: Sample.moment(40 - 10 * Int64(number))))
            }
            // A job with an owner waits in its run, not in the ledger.
            let owned = try #require(try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "owned"))).record)
            _ = try await ledger.update(Sample.update(owned.id, to: .inDoubt, dueAt: Sample.moment(1)).keepingOwnership())
            #expect(try await ledger.summary().oldestDue == Sample.moment(20))
            _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-2"), now: Sample.moment(25)))
            #expect(try await ledger.summary().oldestDue == Sample.moment(30))
        },
        LedgerContract("the pending PAN applications are counted, with the oldest acceptance and the earliest due time") { ledger in
            #expect(try await ledger.pendingApplications() == PendingApplications())
            for (number, state) in [JobState.pending, .pending, .pending, .accepted, .succeeded].enumerated() {
                let claim = Sample.claim(Sample.job(.panStatus, reference: "p-\(number)"), now: Sample.moment(10 - Int64(number)))
                let record = try #require(try await ledger.claim(claim).record)
                _ = try await ledger.update(
                    Sample.update(record.id, to: state, dueAt: state.isFinal ? nil : Sample.moment(40 + Int64(number))))
            }
            let pending = try await ledger.pendingApplications()
            #expect(pending.count == 3)
            #expect(pending.oldest == Sample.moment(8))
            #expect(pending.nextDue == Sample.moment(40))
        },
        LedgerContract("a question that is asked again is counted once") { ledger in
            let job = Sample.job(.rechargeStatus)
            for _ in 0..<3 {
                let replies = try await ledger.claim(Sample.claim(job, state: .notFound)).replies
                try await ledger.markPublished(replies.map(\.id))
            }
            #expect(try await ledger.summary().stored == [.init(.rechargeStatus, in: .notFound): 1])
        },
        LedgerContract("a closed ledger refuses each operation as closed") { ledger in
            _ = try await ledger.claim(Sample.claim())
            await ledger.close()
            await ledger.close()
            await #expect(throws: LedgerError.closed) { try await ledger.claim(Sample.claim()) }
            await #expect(throws: LedgerError.closed) { try await ledger.update(Sample.update(1, to: .succeeded)) }
            await #expect(throws: LedgerError.closed) { try await ledger.markPublished([1]) }
            await #expect(throws: LedgerError.closed) { try await ledger.unpublishedReplies(after: nil, limit: 1) }
            await #expect(throws: LedgerError.closed) { _ = try await ledger.job(.recharge, reference: "r-1") }
            await #expect(throws: LedgerError.closed) { try await ledger.summary() }
            await #expect(throws: LedgerError.closed) { try await ledger.pendingApplications() }
            await #expect(throws: LedgerError.closed) { try await ledger.checkWritable() }
        },
    ]
}
