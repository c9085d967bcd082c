import JobModel
import Ledger
import Testing

extension LedgerContract {
    static let updating = [
        LedgerContract("each field of a job's progress is read as it was stored") { ledger in
            let record = try #require(try await ledger.claim(Sample.claim()).record)
            for state in JobState.allCases where !state.isFinal {
                for cause in DoubtCause.allCases.map(Optional.some) + [nil] {
                    var update = Sample.update(record.id, to: state, dueAt: Sample.moment(8)).keepingOwnership()
                    update.progress.doubt = cause
                    update.progress.answer?.status = cause == nil ? nil : true
                    update.progress.answer?.responseCode = cause == nil ? nil : -7
                    #expect(try await ledger.update(update) == .stored([]))
                    #expect(try await ledger.job(.recharge, reference: "r-1")?.record.progress == update.progress)
                }
            }
            var empty = Sample.update(record.id, to: .accepted)
            empty.progress = Progress()
            #expect(try await ledger.update(empty) == .stored([]))
            #expect(try await ledger.job(.recharge, reference: "r-1")?.record.progress == Progress())
        },
        LedgerContract("each recipient gets a reply with its own message id") { ledger in
            let record = try #require(try await ledger.claim(Sample.claim(recipient: Sample.recipient("c"))).record)
            for name in ["b", "a", "c", "b"] {
                _ = try await ledger.claim(Sample.claim(recipient: Sample.recipient(name), owner: "run-2", live: ["run-1"]))
            }
            _ = try await ledger.claim(Sample.claim(recipient: Sample.recipient("b", replyTo: nil), owner: "run-2", live: ["run-1"]))
            let reply = Sample.reply(record.job, state: .succeeded)
            let replies = try #require(try await ledger.update(Sample.update(record.id, to: .succeeded, reply: reply)).replies)
            #expect(replies.map(\.recipient.correlationID) == ["a", "b", "b", "c"])
            #expect(replies.map(\.recipient.replyTo) == ["upstream", nil, "upstream", "upstream"])
            #expect(Set(replies.map(\.messageID)).count == 4)
            #expect(replies.allSatisfy { $0.body == reply.body && $0.outcome == .succeeded && $0.acceptedAt == Sample.start })
            #expect(try await ledger.job(.recharge, reference: "r-1")?.record.replyCount == 1)
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies == replies)
        },
        LedgerContract("an update by a run that no longer owns the job is lost, and changes nothing") { ledger in
            let record = try #require(try await ledger.claim(Sample.claim()).record)
            _ = try await ledger.claim(Sample.claim(owner: "run-2"))
            let before = try #require(try await ledger.job(.recharge, reference: "r-1"))
            let late = Sample.update(record.id, to: .succeeded, reply: Sample.reply(record.job, state: .succeeded))
            #expect(try await ledger.update(late) == .lost)
            let after = try #require(try await ledger.job(.recharge, reference: "r-1"))
            #expect(after == before)
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies.isEmpty)
        },
        LedgerContract("an update of a waiting, final or unknown job is lost") { ledger in
            let waiting = try #require(try await ledger.claim(Sample.claim()).record)
            #expect(try await ledger.update(Sample.update(waiting.id, to: .accepted, dueAt: Sample.moment(9))) == .stored([]))
            #expect(try await ledger.update(Sample.update(waiting.id, to: .succeeded)) == .lost)

            let over = try #require(try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-2"))).record)
            #expect(try await ledger.update(Sample.update(over.id, to: .failed).keepingOwnership()) == .stored([]))
            #expect(try await ledger.job(.recharge, reference: "r-2")?.record.owner == nil)
            #expect(try await ledger.update(Sample.update(over.id, to: .succeeded)) == .lost)
            #expect(try await ledger.job(.recharge, reference: "r-2")?.record.progress.state == .failed)

            for id in [Int64.min, -1, 0, over.id + 1, .max] {
                #expect(try await ledger.update(Sample.update(id, to: .succeeded)) == .lost)
            }
        },
        LedgerContract("the history has each event, in the order in which it was stored") { ledger in
            let record = try #require(try await ledger.claim(Sample.claim()).record)
            for (index, event) in HistoryEntry.Event.allCases.enumerated() {
                // The wall clock may jump back. The order is that of storing.
                let update = Sample.update(
                    record.id, to: .sending, at: Sample.moment(-Int64(index)), event: event
                ).keepingOwnership()
                #expect(try await ledger.update(update) == .stored([]))
            }
            let history = try #require(try await ledger.job(.recharge, reference: "r-1")).history
            #expect(history.map(\.event) == [.accepted] + HistoryEntry.Event.allCases)
            #expect(history.dropFirst().map(\.at) == HistoryEntry.Event.allCases.indices.map { Sample.moment(-Int64($0)) })
            #expect(history.last?.detail == "sending")
        },
    ]

    static let publishing = [
        LedgerContract("a reply is owed until it is marked as published") { ledger in
            var ids: [Int64] = []
            for number in 1...5 {
                let claim = Sample.claim(Sample.job(.recharge, reference: "r-\(number)"), state: .expired)
                ids += try await ledger.claim(claim).replies.map(\.id)
            }
            #expect(ids == ids.sorted())
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 100).replies.map(\.id) == ids)
            try await ledger.markPublished([ids[1], ids[3]])
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 100).replies.map(\.id) == [ids[0], ids[2], ids[4]])
            #expect(try await ledger.lastUnpublishedReply() == ids[4])
            try await ledger.markPublished([ids[1], ids[3], .min, -1, 0, ids[4] + 1, .max])
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 100).replies.map(\.id) == [ids[0], ids[2], ids[4]])
            try await ledger.markPublished([])
            #expect(try await ledger.summary().unpublishedReplies == 3)
        },
        LedgerContract("owed replies can be read page by page") { ledger in
            for number in 1...7 {
                _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-\(number)"), state: .expired))
            }
            var pages: [Int] = []
            var last: Int64?
            while true {
                let page = try await ledger.unpublishedReplies(after: last, limit: 3)
                guard let end = page.last else { break }
                pages.append(page.replies.count)
                last = end
            }
            #expect(pages == [3, 3, 1])
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 0).replies.isEmpty)
        },
        LedgerContract("a stored reply has its recipient, kind and amount") { ledger in
            let claim = Sample.claim(recipient: ReplyRecipient(correlationID: "a\u{0}b", replyTo: nil, traceparent: nil), state: .refused)
            let reply = try #require(try await ledger.claim(claim).replies.first)
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 1).replies == [reply])
            #expect(reply.recipient == claim.recipient)
            #expect(reply.kind == .recharge)
            #expect(reply.amount == Money(paise: 10_50))
        },
    ]
}
