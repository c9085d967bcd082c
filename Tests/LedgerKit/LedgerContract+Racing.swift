import JobModel
import Ledger
import Testing

extension LedgerContract {
    static let racing = [
        LedgerContract("exactly one of hundreds of simultaneous claims gets the job") { ledger in
            let runs = Set((0..<300).map { "run-\($0)" })
            let results = try await withThrowingTaskGroup(of: ClaimResult.self) { group in
                for number in 0..<300 {
                    group.addTask {
                        try await ledger.claim(
                            Sample.claim(recipient: Sample.recipient("c-\(number % 100)"), owner: "run-\(number)", live: runs))
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(results.count { $0.record != nil } == 1)
            #expect(results.count { if case .joined = $0 { true } else { false } } == 299)
            let record = try #require(try await ledger.job(.recharge, reference: "r-1")).record
            let owner = try #require(record.owner)
            let replied = try await ledger.update(
                Sample.update(record.id, to: .succeeded, reply: Sample.reply(record.job, state: .succeeded)).by(owner))
            #expect(replied.replies?.count == 100)
        },
        LedgerContract("hundreds of simultaneous jobs do not affect each other") { ledger in
            let answers = try await withThrowingTaskGroup(of: OutgoingReply.self) { group in
                for number in 0..<300 { group.addTask { try await live(Sample.job(.recharge, reference: "r-\(number)"), in: ledger) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(answers.map(\.id)).count == 300)
            #expect(Set(answers.map(\.messageID)).count == 300)
            let summary = try await ledger.summary()
            #expect(summary.stored == [.init(.recharge, in: .succeeded): 300])
            #expect(summary.unpublishedReplies == 0)
            for number in 0..<300 {
                let stored = try #require(try await ledger.job(.recharge, reference: "r-\(number)"))
                #expect(stored.record.job == Sample.job(.recharge, reference: "r-\(number)"))
                #expect(stored.history.map(\.event) == [.accepted, .finished])
            }
        },
        LedgerContract("only the current owner of a job can update it") { ledger in
            let id = try #require(try await ledger.claim(Sample.claim()).record).id
            let stored = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        let owner = "run-\(number % 4)"
                        _ = try await ledger.claim(Sample.claim(owner: owner))
                        let result = try await ledger.update(
                            Sample.update(id, to: .succeeded, reply: Sample.reply(Sample.job(), state: .succeeded)).by(owner))
                        return result == .lost ? 0 : 1
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(stored == 1)
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies.count == 1)
        },
    ]

    private static func live(_ job: Job, in ledger: any Ledger) async throws -> OutgoingReply {
        let record = try #require(try await ledger.claim(Sample.claim(job)).record)
        let replied = try await ledger.update(
            Sample.update(record.id, to: .succeeded, reply: Sample.reply(job, state: .succeeded), event: .finished))
        let reply = try #require(replied.replies?.first)
        try await ledger.markPublished([reply.id])
        return reply
    }
}
