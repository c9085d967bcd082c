import JobModel
import Ledger
import Testing

extension LedgerContract {
    static let repeating = [
        LedgerContract("a repeated job gets its stored reply each time, and the reply is owed again") { ledger in
            let record = try #require(try await ledger.claim(Sample.claim()).record)
            let replied = try await ledger.update(
                Sample.update(record.id, to: .succeeded, reply: Sample.reply(record.job, state: .succeeded)))
            let own = try #require(replied.replies)
            try await ledger.markPublished(own.map(\.id))
            for _ in 0..<3 {
                #expect(try await ledger.claim(Sample.claim(owner: "run-2")) == .answered(own))
                #expect(try await ledger.claim(Sample.claim(owner: "run-2")) == .answered(own))
                #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies == own)
                try await ledger.markPublished(own.map(\.id))
                #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies.isEmpty)
            }
        },
        LedgerContract("a new recipient of a final job gets the same body under its own message id") { ledger in
            let record = try #require(try await ledger.claim(Sample.claim()).record)
            let replied = try await ledger.update(
                Sample.update(record.id, to: .succeeded, reply: Sample.reply(record.job, state: .succeeded)))
            let first = try #require(replied.replies?.first)
            for recipient in [
                Sample.recipient("c-2"), Sample.recipient("c-1", replyTo: nil), Sample.recipient("c-1", replyTo: "elsewhere"),
            ] {
                let reply = try #require(try await ledger.claim(Sample.claim(recipient: recipient)).replies.first)
                #expect(reply.body == first.body)
                #expect(reply.outcome == .succeeded)
                #expect(reply.recipient == recipient)
                #expect(reply.id > first.id)
                #expect(reply.messageID == ReplyID.make(kind: .recharge, reference: "r-1", recipient: recipient, number: 1))
                #expect(try await ledger.claim(Sample.claim(recipient: recipient)) == .answered([reply]))
            }
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies.count == 4)
        },
        LedgerContract("a new recipient of a waiting job gets the reply that the others had") { ledger in
            let record = try #require(try await ledger.claim(Sample.claim()).record)
            let replied = try await ledger.update(
                Sample.update(
                    record.id, to: .inDoubt, reply: Sample.reply(record.job, state: .inDoubt), dueAt: Sample.moment(900), event: .doubt))
            let own = try #require(replied.replies)
            #expect(own.map(\.outcome) == [.inDoubt])
            #expect(try await ledger.claim(Sample.claim(now: Sample.moment(10))) == .waiting(own))
            let late = try await ledger.claim(Sample.claim(recipient: Sample.recipient("c-2"), now: Sample.moment(10)))
            let reply = try #require(late.replies.first)
            #expect(late == .waiting([reply]))
            #expect(reply.body == own.first?.body)
            #expect(reply.messageID == ReplyID.make(kind: .recharge, reference: "r-1", recipient: Sample.recipient("c-2"), number: 1))

            let resumed = try #require(try await ledger.claim(Sample.claim(now: Sample.moment(900))).record)
            let final = try await ledger.update(
                Sample.update(resumed.id, to: .failed, reply: Sample.reply(record.job, state: .failed), event: .finished))
            #expect(final.replies?.map(\.recipient.correlationID) == ["c-1", "c-2"])
            #expect(
                final.replies?.map(\.messageID)
                    == ["c-1", "c-2"].map {
                        ReplyID.make(kind: .recharge, reference: "r-1", recipient: Sample.recipient($0), number: 2)
                    })
        },
        LedgerContract("an answered question is asked again by a new message") { ledger in
            let job = Sample.job(.rechargeStatus)
            let first = try #require(try await ledger.claim(Sample.claim(job, state: .accepted)).record)
            let replied = try await ledger.update(
                Sample.update(first.id, to: .answeredPending, reply: Sample.reply(job, state: .answeredPending), event: .finished))
            let old = try #require(replied.replies)
            try await ledger.markPublished(old.map(\.id))

            let again = Sample.claim(
                job, recipient: Sample.recipient("c-2"), owner: "run-2", now: Sample.moment(60), state: .accepted)
            let result = try await ledger.claim(again)
            let record = try #require(result.record)
            #expect(result == .new(record, []))
            #expect(record.id == first.id)
            #expect(record.acceptedAt == Sample.moment(60))
            #expect(record.progress == again.progress)
            #expect(record.owner == "run-2")
            #expect(record.replyCount == 1)
            #expect(try await ledger.job(.rechargeStatus, reference: "r-1")?.record == record)

            let final = try await ledger.update(
                Sample.update(record.id, to: .succeeded, reply: Sample.reply(job, state: .succeeded), event: .finished).by("run-2"))
            // The first recipient has had its answer and gets no other one. The replies' numbers go on.
            let reply = try #require(final.replies?.first)
            #expect(final.replies?.count == 1)
            #expect(reply.messageID == ReplyID.make(kind: .rechargeStatus, reference: "r-1", recipient: Sample.recipient("c-2"), number: 2))
            #expect(reply.acceptedAt == Sample.moment(60))
        },
        LedgerContract("a question whose reply is unconfirmed gets that reply when it comes again") { ledger in
            let job = Sample.job(.rechargeStatus)
            let first = try await ledger.claim(Sample.claim(job, state: .notFound))
            #expect(first.replies.count == 1)
            #expect(try await ledger.claim(Sample.claim(job, owner: "run-2", state: .accepted)) == .answered(first.replies))
            try await ledger.markPublished(first.replies.map(\.id))
            #expect(try await ledger.claim(Sample.claim(job, owner: "run-2", state: .accepted)).record != nil)
        },
        LedgerContract("a redelivered question gets its stored reply; another message asks again") { ledger in
            let job = Sample.job(.rechargeStatus)
            func claim(_ message: String?, from recipient: ReplyRecipient = Sample.recipient(), again: Bool = false) async throws
                -> ClaimResult
            {
                let claim = Sample.claim(
                    job, recipient: recipient, owner: "run-2", live: ["run-2"], state: .accepted
                ).delivered(as: message, again: again)
                return try await ledger.claim(claim)
            }
            let first = try await ledger.claim(Sample.claim(job, state: .notFound).delivered(as: "m-1")).replies
            try await ledger.markPublished(first.map(\.id))
            #expect(try await claim("m-1", again: true) == .answered(first))
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies == first)
            try await ledger.markPublished(first.map(\.id))

            let second = try #require(try await claim("m-2").record)
            // Waits for the same answer, with its own message id.
            #expect(try await claim("m-3", from: Sample.recipient("c-2")) == .joined(owner: "run-2"))
            let replied = try await ledger.update(
                Sample.update(second.id, to: .succeeded, reply: Sample.reply(job, state: .succeeded), event: .finished).by("run-2"))
            let replies = try #require(replied.replies)
            try await ledger.markPublished(replies.map(\.id))
            #expect(try await claim("m-2", again: true) == .answered([replies[0]]))
            #expect(try await claim("m-3", from: Sample.recipient("c-2"), again: true) == .answered([replies[1]]))
            #expect(try await claim("m-1", again: true) == .answered(first))
            try await ledger.markPublished((first + replies).map(\.id))

            // A new message with an old message id is a new message.
            #expect(try await claim("m-2").record != nil)
            #expect(try await claim("m-2", again: true) == .joined(owner: "run-2"))
            // During a new round, messages of earlier rounds get the replies of those rounds.
            #expect(try await claim("m-3", from: Sample.recipient("c-2"), again: true) == .answered([replies[1]]))
            #expect(try await claim("m-1", again: true) == .answered(first))
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies == first + [replies[1]])
            #expect(try await claim("m-4", again: true) == .joined(owner: "run-2"))
            // The same message id with another address is another message.
            #expect(try await claim("m-1", from: Sample.recipient("c-1", replyTo: "elsewhere"), again: true) == .joined(owner: "run-2"))
        },
        LedgerContract("a question that has waited for a run has that run's reply, and is not asked again") { ledger in
            let job = Sample.job(.rechargeStatus)
            let record = try #require(try await ledger.claim(Sample.claim(job, state: .accepted)).record)
            var claim = Sample.claim(job, recipient: Sample.recipient("c-2"), owner: "run-2", live: ["run-1"], state: .accepted)
            #expect(try await ledger.claim(claim) == .joined(owner: "run-1"))
            let replied = try await ledger.update(
                Sample.update(record.id, to: .succeeded, reply: Sample.reply(job, state: .succeeded), event: .finished))
            let replies = try #require(replied.replies)
            try await ledger.markPublished(replies.map(\.id))
            claim.hasJoined = true
            #expect(try await ledger.claim(claim) == .answered([]))
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies.isEmpty)
        },
        LedgerContract("a recipient that joins a run gets the current reply at once, and the final one with the others") { ledger in
            let record = try #require(try await ledger.claim(Sample.claim()).record)
            let doubt = Sample.update(
                record.id, to: .inDoubt, reply: Sample.reply(record.job, state: .inDoubt), dueAt: Sample.moment(9), event: .waiting
            ).keepingOwnership()
            _ = try await ledger.update(doubt)
            var claim = Sample.claim(recipient: Sample.recipient("c-2"), owner: "run-2", live: ["run-1"])
            let replied = try await ledger.claim(claim).replies
            #expect(replied.map(\.recipient.correlationID) == ["c-2"])
            #expect(replied.map(\.outcome) == [.inDoubt])
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies.contains { $0.id == replied.first?.id })
            #expect(try await ledger.claim(claim) == .joined(owner: "run-1"))
            // Another address is another recipient.
            let elsewhere = Sample.claim(recipient: Sample.recipient("c-2", replyTo: "elsewhere"), owner: "run-3", live: ["run-1"])
            #expect(try await ledger.claim(elsewhere).replies.map(\.outcome) == [.inDoubt])
            _ = try await ledger.update(Sample.update(record.id, to: .inDoubt, dueAt: Sample.moment(9), event: .waiting).keepingOwnership())
            claim.hasJoined = true
            #expect(try await ledger.claim(claim).replies.isEmpty)
            let end = try await ledger.update(Sample.update(record.id, to: .succeeded, reply: Sample.reply(record.job, state: .succeeded)))
            #expect(end.replies?.map(\.recipient.correlationID) == ["c-1", "c-2", "c-2"])
        },
        LedgerContract("replies of an earlier round are not repeated in a new one") { ledger in
            let job = Sample.job(.rechargeStatus)
            let first = try await ledger.claim(Sample.claim(job, state: .notFound))
            try await ledger.markPublished(first.replies.map(\.id))
            let again = try #require(try await ledger.claim(Sample.claim(job, now: Sample.moment(2), state: .accepted)).record)
            _ = try await ledger.update(Sample.update(again.id, to: .accepted, dueAt: Sample.moment(50), event: .waiting))
            #expect(try await ledger.claim(Sample.claim(job, now: Sample.moment(3), state: .accepted)) == .waiting([]))
        },
        LedgerContract("a recipient with another trace is not a second recipient") { ledger in
            let record = try #require(try await ledger.claim(Sample.claim()).record)
            var recipient = Sample.recipient()
            recipient.traceparent = "00-another"
            #expect(try await ledger.claim(Sample.claim(recipient: recipient, owner: "run-2", live: ["run-1"])) == .joined(owner: "run-1"))
            let replied = try await ledger.update(
                Sample.update(record.id, to: .succeeded, reply: Sample.reply(record.job, state: .succeeded)))
            #expect(replied.replies?.map(\.recipient) == [Sample.recipient()])
        },
    ]
}
