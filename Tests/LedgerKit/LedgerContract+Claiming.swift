import JobModel
import Ledger
import Testing

extension LedgerPromise {
    static let claiming = [
        LedgerPromise("a job that nobody had is new, the claimer's, and stored as claimed") { ledger in
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
                #expect(record.repliesTold == 0)
                let stored = try #require(try await ledger.job(kind, "r-1"))
                #expect(stored.record == record)
                #expect(stored.history == [claim.entry])
            }
        },
        LedgerPromise("a job that is over at once has its reply and no owner") { ledger in
            let claim = Sample.claim(state: .expired)
            let result = try await ledger.claim(claim)
            let record = try #require(result.record)
            #expect(record.owner == nil)
            #expect(record.repliesTold == 1)
            let reply = try #require(result.replies.first)
            #expect(result.replies.count == 1)
            #expect(reply.body == claim.reply?.body)
            #expect(reply.outcome == .expired)
            #expect(reply.asker == claim.asker)
            #expect(reply.amount == Money(paise: 10_50))
            #expect(reply.acceptedAt == claim.now)
            #expect(reply.messageID == ReplyID.make(kind: .recharge, reference: "r-1", asker: Sample.asker(), number: 1))
            #expect(try await ledger.unpublishedReplies(after: nil, limit: 10).replies == [reply])
        },
        LedgerPromise("the same reference may be used once by each kind") { ledger in
            var ids: Set<Int64> = []
            for kind in JobKind.allCases {
                ids.insert(try #require(try await ledger.claim(Sample.claim(Sample.job(kind))).record).id)
            }
            #expect(ids.count == 3)
        },
        LedgerPromise("references are compared byte by byte") { ledger in
            let spellings = ["caf\u{e9}", "cafe\u{301}", "CAF\u{c9}", "cafe", "cafe "]
            for spelling in spellings {
                #expect(try await ledger.claim(Sample.claim(Sample.job(.recharge, spelling))).record != nil)
            }
            for spelling in spellings {
                let stored = try #require(try await ledger.job(.recharge, spelling))
                #expect(Array(stored.record.job.reference.utf8) == Array(spelling.utf8))
            }
        },
        LedgerPromise("the same reference with other content is a conflict and changes nothing but the history") { ledger in
            let first = try #require(try await ledger.claim(Sample.claim()).record)
            let other = Sample.claim(Sample.job(paise: 99_00), asker: Sample.asker("other"), now: Sample.moment(7))
            #expect(try await ledger.claim(other) == .conflict)
            let stored = try #require(try await ledger.job(.recharge, "r-1"))
            #expect(stored.record == first)
            #expect(stored.history.map(\.event) == [.accepted, .conflict])
            #expect(stored.history.last?.at == Sample.moment(7))
            let told = try await ledger.update(
                Sample.update(first.id, to: .succeeded, reply: Sample.reply(first.job, .succeeded)))
            #expect(told.replies?.map(\.asker.correlationID) == ["c-1"])
        },
        LedgerPromise("a claim of a job whose run goes on joins it") { ledger in
            let first = try #require(try await ledger.claim(Sample.claim()).record)
            let second = Sample.claim(asker: Sample.asker("c-2"), owner: "run-2", live: ["run-1"])
            #expect(try await ledger.claim(second) == .joined(owner: "run-1"))
            #expect(try await ledger.job(.recharge, "r-1")?.record == first)
        },
        LedgerPromise("a claim of a job whose run is gone takes over and goes on with what is stored") { ledger in
            let first = try #require(try await ledger.claim(Sample.claim()).record)
            _ = try await ledger.update(
                Sample.update(first.id, to: .inDoubt, keeps: true, dueAt: Sample.moment(900), event: .doubt))
            let result = try await ledger.claim(
                Sample.claim(asker: Sample.asker("c-2"), owner: "run-2", now: Sample.moment(4)))
            var expected = first
            expected.owner = "run-2"
            expected.progress = Sample.progress(.inDoubt, dueAt: Sample.moment(900))
            #expect(result == .resumed(expected))
            let stored = try #require(try await ledger.job(.recharge, "r-1"))
            #expect(stored.record == expected)
            #expect(stored.history.map(\.event) == [.accepted, .doubt, .resumed])
            #expect(stored.history.last?.at == Sample.moment(4))
        },
        LedgerPromise("a job that waits is left alone until it is due") { ledger in
            let first = try #require(try await ledger.claim(Sample.claim()).record)
            _ = try await ledger.update(Sample.update(first.id, to: .accepted, dueAt: Sample.moment(100), event: .waiting))
            let early = Sample.claim(asker: Sample.asker("c-2"), owner: "run-2", now: Sample.moment(99))
            #expect(try await ledger.claim(early) == .waiting([]))
            var due = early
            due.now = Sample.moment(100)
            #expect(try await ledger.claim(due).record?.owner == "run-2")
        },
        LedgerPromise("a job that waits for no moment can be taken up at once") { ledger in
            let first = try #require(try await ledger.claim(Sample.claim()).record)
            _ = try await ledger.update(Sample.update(first.id, to: .accepted, event: .released))
            #expect(try await ledger.claim(Sample.claim(now: Sample.moment(4))).record?.progress.state == .accepted)
        },
    ]
}
