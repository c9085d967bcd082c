import JobModel
import Ledger
import Testing

extension LedgerContract {
    static let claiming = [
        LedgerContract("an unknown job is stored as claimed, and belongs to the claim's run") { ledger in
            for kind in JobKind.allCases {
                let claim = Sample.claim(Sample.job(kind))
                let result = try await ledger.claim(claim)
                let record = try #require(result.record)
                #expect(result == .new(record, []))
                #expect(record.job == claim.job)
                #expect(record.fingerprint == claim.fingerprint)
                #expect(record.acceptedAt == claim.now)
                #expect(record.progress == claim.progress)
                #expect(record.owner == "run-1")
                #expect(record.replyCount == 0)
                let stored = try #require(try await ledger.job(kind, reference: "r-1"))
                #expect(stored.record == record)
                #expect(stored.history == [claim.entry])
            }
        },
        LedgerContract("a job that is final at once has its reply and no owner") { ledger in
            let claim = Sample.claim(state: .expired)
            let result = try await ledger.claim(claim)
            let record = try #require(result.record)
            #expect(record.owner == nil)
            #expect(record.replyCount == 1)
            let reply = try #require(result.replies.first)
            #expect(result.replies.count == 1)
            #expect(reply.body == claim.reply?.body)
            #expect(reply.outcome == .expired)
            #expect(reply.recipient == claim.recipient)
            #expect(reply.amount == Money(paise: 10_50))
            #expect(reply.acceptedAt == claim.now)
            #expect(reply.messageID == ReplyID.make(kind: .recharge, reference: "r-1", recipient: Sample.recipient(), number: 1))
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies == [reply])
        },
        LedgerContract("each kind may use the same reference once") { ledger in
            var ids: Set<Int64> = []
            for kind in JobKind.allCases {
                ids.insert(try #require(try await ledger.claim(Sample.claim(Sample.job(kind))).record).id)
            }
            #expect(ids.count == 3)
        },
        LedgerContract("references are compared byte by byte") { ledger in
            let spellings = ["caf\u{e9}", "cafe\u{301}", "CAF\u{c9}", "cafe", "cafe "]
            for spelling in spellings {
                #expect(try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: spelling))).record != nil)
            }
            for spelling in spellings {
                let stored = try #require(try await ledger.job(.recharge, reference: spelling))
                #expect(Array(stored.record.job.reference.utf8) == Array(spelling.utf8))
            }
        },
        LedgerContract("a recharge with a known reference and other content is a conflict, and changes only the history") { ledger in
            let first = try #require(try await ledger.claim(Sample.claim()).record)
            let other = Sample.claim(Sample.job(paise: 99_00), recipient: Sample.recipient("other"), now: Sample.moment(7))
            #expect(try await ledger.claim(other) == .conflict)
            let stored = try #require(try await ledger.job(.recharge, reference: "r-1"))
            #expect(stored.record == first)
            #expect(stored.history.map(\.event) == [.accepted, .conflict])
            #expect(stored.history.last?.at == Sample.moment(7))
            let replied = try await ledger.update(
                Sample.update(first.id, to: .succeeded, reply: Sample.reply(first.job, state: .succeeded)))
            #expect(replied.replies?.map(\.recipient.correlationID) == ["c-1"])
        },
        LedgerContract("a claim joins the job's run while that run works") { ledger in
            let first = try #require(try await ledger.claim(Sample.claim()).record)
            let second = Sample.claim(recipient: Sample.recipient("c-2"), owner: "run-2", live: ["run-1"])
            #expect(try await ledger.claim(second) == .joined(owner: "run-1"))
            #expect(try await ledger.job(.recharge, reference: "r-1")?.record == first)
        },
        LedgerContract("a claim takes over a job whose run is gone, with the stored progress") { ledger in
            let first = try #require(try await ledger.claim(Sample.claim()).record)
            _ = try await ledger.update(
                Sample.update(first.id, to: .inDoubt, dueAt: Sample.moment(900), event: .doubt).keepingOwnership())
            let result = try await ledger.claim(
                Sample.claim(recipient: Sample.recipient("c-2"), owner: "run-2", now: Sample.moment(4)))
            var expected = first
            expected.owner = "run-2"
            expected.progress = Sample.progress(.inDoubt, dueAt: Sample.moment(900))
            #expect(result == .resumed(expected))
            let stored = try #require(try await ledger.job(.recharge, reference: "r-1"))
            #expect(stored.record == expected)
            #expect(stored.history.map(\.event) == [.accepted, .doubt, .resumed])
            #expect(stored.history.last?.at == Sample.moment(4))
        },
        LedgerContract("a waiting job cannot be claimed before it is due") { ledger in
            let first = try #require(try await ledger.claim(Sample.claim()).record)
            _ = try await ledger.update(Sample.update(first.id, to: .accepted, dueAt: Sample.moment(100), event: .waiting))
            let early = Sample.claim(recipient: Sample.recipient("c-2"), owner: "run-2", now: Sample.moment(99))
            #expect(try await ledger.claim(early) == .waiting([]))
            var due = early
            due.now = Sample.moment(100)
            #expect(try await ledger.claim(due).record?.owner == "run-2")
        },
        LedgerContract("a waiting job without a due time can be claimed at once") { ledger in
            let first = try #require(try await ledger.claim(Sample.claim()).record)
            _ = try await ledger.update(Sample.update(first.id, to: .accepted, event: .released))
            #expect(try await ledger.claim(Sample.claim(now: Sample.moment(4))).record?.progress.state == .accepted)
        },
    ]
}
