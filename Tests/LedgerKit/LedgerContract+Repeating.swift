import JobModel
import Ledger
import Testing

extension LedgerPromise {
    static let repeating = [
        LedgerPromise("a repeated job is answered with its own stored reply however often it comes, and that is owed again") { ledger in
            let record = try #require(try await ledger.claim(Sample.claim()).record)
            let told = try await ledger.update(
                Sample.update(record.id, to: .succeeded, reply: Sample.reply(record.job, .succeeded)))
            let own = try #require(told.replies)
            try await ledger.markPublished(own.map(\.id))
            for _ in 0..<3 {
                #expect(try await ledger.claim(Sample.claim(owner: "run-2")) == .answered(own))
                #expect(try await ledger.claim(Sample.claim(owner: "run-2")) == .answered(own))
                #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies == own)
                try await ledger.markPublished(own.map(\.id))
                #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies.isEmpty)
            }
        },
        LedgerPromise("somebody else who asks after a job that is over gets the same body under an id of their own") { ledger in
            let record = try #require(try await ledger.claim(Sample.claim()).record)
            let told = try await ledger.update(
                Sample.update(record.id, to: .succeeded, reply: Sample.reply(record.job, .succeeded)))
            let first = try #require(told.replies?.first)
            for asker in [Sample.asker("c-2"), Sample.asker("c-1", nil), Sample.asker("c-1", "elsewhere")] {
                let reply = try #require(try await ledger.claim(Sample.claim(asker: asker)).replies.first)
                #expect(reply.body == first.body)
                #expect(reply.outcome == .succeeded)
                #expect(reply.asker == asker)
                #expect(reply.id > first.id)
                #expect(reply.messageID == ReplyID.make(kind: .recharge, reference: "r-1", asker: asker, number: 1))
                #expect(try await ledger.claim(Sample.claim(asker: asker)) == .answered([reply]))
            }
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies.count == 4)
        },
        LedgerPromise("whoever asks while the job waits is told what the others were told") { ledger in
            let record = try #require(try await ledger.claim(Sample.claim()).record)
            let told = try await ledger.update(
                Sample.update(
                    record.id, to: .inDoubt, reply: Sample.reply(record.job, .inDoubt), dueAt: Sample.moment(900), event: .doubt))
            let own = try #require(told.replies)
            #expect(own.map(\.outcome) == [.inDoubt])
            #expect(try await ledger.claim(Sample.claim(now: Sample.moment(10))) == .waiting(own))
            let late = try await ledger.claim(Sample.claim(asker: Sample.asker("c-2"), now: Sample.moment(10)))
            let reply = try #require(late.replies.first)
            #expect(late == .waiting([reply]))
            #expect(reply.body == own.first?.body)
            #expect(reply.messageID == ReplyID.make(kind: .recharge, reference: "r-1", asker: Sample.asker("c-2"), number: 1))

            let resumed = try #require(try await ledger.claim(Sample.claim(now: Sample.moment(900))).record)
            let final = try await ledger.update(
                Sample.update(resumed.id, to: .failed, reply: Sample.reply(record.job, .failed), event: .finished))
            #expect(final.replies?.map(\.asker.correlationID) == ["c-1", "c-2"])
            #expect(
                final.replies?.map(\.messageID)
                    == ["c-1", "c-2"].map {
                        ReplyID.make(kind: .recharge, reference: "r-1", asker: Sample.asker($0), number: 2)
                    })
        },
        LedgerPromise("a question that was answered is asked afresh") { ledger in
            let job = Sample.job(.rechargeStatus)
            let first = try #require(try await ledger.claim(Sample.claim(job, state: .accepted)).record)
            let told = try await ledger.update(
                Sample.update(first.id, to: .answeredPending, reply: Sample.reply(job, .answeredPending), event: .finished))
            let old = try #require(told.replies)
            try await ledger.markPublished(old.map(\.id))

            let again = Sample.claim(
                job, asker: Sample.asker("c-2"), owner: "run-2", now: Sample.moment(60), state: .accepted)
            let result = try await ledger.claim(again)
            let record = try #require(result.record)
            #expect(result == .new(record, []))
            #expect(record.id == first.id)
            #expect(record.acceptedAt == Sample.moment(60))
            #expect(record.progress == again.progress)
            #expect(record.owner == "run-2")
            #expect(record.repliesTold == 1)
            #expect(try await ledger.job(.rechargeStatus, "r-1")?.record == record)

            let final = try await ledger.update(
                Sample.update(record.id, owner: "run-2", to: .succeeded, reply: Sample.reply(job, .succeeded), event: .finished))
            // The first asker has had an answer and is not told again; the numbers go on.
            let reply = try #require(final.replies?.first)
            #expect(final.replies?.count == 1)
            #expect(reply.messageID == ReplyID.make(kind: .rechargeStatus, reference: "r-1", asker: Sample.asker("c-2"), number: 2))
            #expect(reply.acceptedAt == Sample.moment(60))
        },
        LedgerPromise("a question whose answer never left is the same message once more and has one answer") { ledger in
            let job = Sample.job(.rechargeStatus)
            let first = try await ledger.claim(Sample.claim(job, state: .notFound))
            #expect(first.replies.count == 1)
            #expect(try await ledger.claim(Sample.claim(job, owner: "run-2", state: .accepted)) == .answered(first.replies))
            try await ledger.markPublished(first.replies.map(\.id))
            #expect(try await ledger.claim(Sample.claim(job, owner: "run-2", state: .accepted)).record != nil)
        },
        LedgerPromise("a question that is delivered once more gets the answer that it had; another message asks afresh") { ledger in
            let job = Sample.job(.rechargeStatus)
            func claim(_ message: String?, _ asker: Asker = Sample.asker(), again: Bool = false) async throws -> ClaimResult {
                let claim = Sample.claim(
                    job, asker: asker, owner: "run-2", live: ["run-2"], state: .accepted, message: message, isRedelivered: again)
                return try await ledger.claim(claim)
            }
            let first = try await ledger.claim(Sample.claim(job, state: .notFound, message: "m-1")).replies
            try await ledger.markPublished(first.map(\.id))
            #expect(try await claim("m-1", again: true) == .answered(first))
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies == first)
            try await ledger.markPublished(first.map(\.id))

            let second = try #require(try await claim("m-2").record)
            // Waits for the same answer, under a name of its own.
            #expect(try await claim("m-3", Sample.asker("c-2")) == .joined(owner: "run-2"))
            let told = try await ledger.update(
                Sample.update(second.id, owner: "run-2", to: .succeeded, reply: Sample.reply(job, .succeeded), event: .finished))
            let replies = try #require(told.replies)
            try await ledger.markPublished(replies.map(\.id))
            #expect(try await claim("m-2", again: true) == .answered([replies[0]]))
            #expect(try await claim("m-3", Sample.asker("c-2"), again: true) == .answered([replies[1]]))
            #expect(try await claim("m-1", again: true) == .answered(first))
            try await ledger.markPublished((first + replies).map(\.id))

            // A new message under an old name is a new message.
            #expect(try await claim("m-2").record != nil)
            #expect(try await claim("m-2", again: true) == .joined(owner: "run-2"))
            // While the question is asked anew, those of earlier rounds have their answers.
            #expect(try await claim("m-3", Sample.asker("c-2"), again: true) == .answered([replies[1]]))
            #expect(try await claim("m-1", again: true) == .answered(first))
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies == first + [replies[1]])
            #expect(try await claim("m-4", again: true) == .joined(owner: "run-2"))
            // The same name with another address: somebody else's message.
            #expect(try await claim("m-1", Sample.asker("c-1", "elsewhere"), again: true) == .joined(owner: "run-2"))
        },
        LedgerPromise("a question that has waited for a run is answered with it, and not asked afresh") { ledger in
            let job = Sample.job(.rechargeStatus)
            let record = try #require(try await ledger.claim(Sample.claim(job, state: .accepted)).record)
            var claim = Sample.claim(job, asker: Sample.asker("c-2"), owner: "run-2", live: ["run-1"], state: .accepted)
            #expect(try await ledger.claim(claim) == .joined(owner: "run-1"))
            let told = try await ledger.update(
                Sample.update(record.id, to: .succeeded, reply: Sample.reply(job, .succeeded), event: .finished))
            let replies = try #require(told.replies)
            try await ledger.markPublished(replies.map(\.id))
            claim.hasJoined = true
            #expect(try await ledger.claim(claim) == .answered([]))
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies.isEmpty)
        },
        LedgerPromise("who joins a run is told at once what the others know, once, and the end with them") { ledger in
            let record = try #require(try await ledger.claim(Sample.claim()).record)
            let doubt = Sample.update(
                record.id, to: .inDoubt, reply: Sample.reply(record.job, .inDoubt), keeps: true, dueAt: Sample.moment(9), event: .waiting)
            _ = try await ledger.update(doubt)
            var claim = Sample.claim(asker: Sample.asker("c-2"), owner: "run-2", live: ["run-1"])
            let told = try await ledger.claim(claim).replies
            #expect(told.map(\.asker.correlationID) == ["c-2"])
            #expect(told.map(\.outcome) == [.inDoubt])
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies.contains { $0.id == told.first?.id })
            #expect(try await ledger.claim(claim) == .joined(owner: "run-1"))
            // Another address is another asker.
            let elsewhere = Sample.claim(asker: Sample.asker("c-2", "elsewhere"), owner: "run-3", live: ["run-1"])
            #expect(try await ledger.claim(elsewhere).replies.map(\.outcome) == [.inDoubt])
            _ = try await ledger.update(Sample.update(record.id, to: .inDoubt, keeps: true, dueAt: Sample.moment(9), event: .waiting))
            claim.hasJoined = true
            #expect(try await ledger.claim(claim).replies.isEmpty)
            let end = try await ledger.update(Sample.update(record.id, to: .succeeded, reply: Sample.reply(record.job, .succeeded)))
            #expect(end.replies?.map(\.asker.correlationID) == ["c-1", "c-2", "c-2"])
        },
        LedgerPromise("what was told before a question was asked anew is not told for the new round") { ledger in
            let job = Sample.job(.rechargeStatus)
            let first = try await ledger.claim(Sample.claim(job, state: .notFound))
            try await ledger.markPublished(first.replies.map(\.id))
            let again = try #require(try await ledger.claim(Sample.claim(job, now: Sample.moment(2), state: .accepted)).record)
            _ = try await ledger.update(Sample.update(again.id, to: .accepted, dueAt: Sample.moment(50), event: .waiting))
            #expect(try await ledger.claim(Sample.claim(job, now: Sample.moment(3), state: .accepted)) == .waiting([]))
        },
        LedgerPromise("who asks again from another trace is no second asker") { ledger in
            let record = try #require(try await ledger.claim(Sample.claim()).record)
            var asker = Sample.asker()
            asker.traceparent = "00-another"
            #expect(try await ledger.claim(Sample.claim(asker: asker, owner: "run-2", live: ["run-1"])) == .joined(owner: "run-1"))
            let told = try await ledger.update(
                Sample.update(record.id, to: .succeeded, reply: Sample.reply(record.job, .succeeded)))
            #expect(told.replies?.map(\.asker) == [Sample.asker()])
        },
    ]
}
