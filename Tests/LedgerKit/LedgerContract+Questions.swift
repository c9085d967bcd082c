import JobModel
import Ledger
import Testing

/// Questions move no money, so that they may be asked again and with other content.
extension LedgerPromise {
    static let asking = [
        LedgerPromise("a PAN application that ended without success can be followed anew by a new message, one that succeeded is over") {
            ledger in
            for (name, state) in [("a", JobState.failed), ("b", .expired), ("c", .succeeded)] {
                let job = Sample.job(.panStatus, name)
                let first = try #require(try await ledger.claim(Sample.claim(job, state: .accepted, message: "m-1")).record)
                let pending = try await ledger.update(
                    Sample.update(first.id, to: .pending, reply: Sample.reply(job, .pending), keeps: true, event: .told))
                let told = try await ledger.update(Sample.update(first.id, to: state, reply: Sample.reply(job, state), event: .finished))
                let replies = try #require(told.replies)
                try await ledger.markPublished((pending.replies ?? []).map(\.id) + replies.map(\.id))
                // The same message once more has its answer.
                let again = Sample.claim(job, now: Sample.moment(9), state: .accepted, message: "m-1", isRedelivered: true)
                #expect(try await ledger.claim(again) == .answered(replies))
                try await ledger.markPublished(replies.map(\.id))
                let result = try await ledger.claim(Sample.claim(job, now: Sample.moment(10), state: .accepted, message: "m-2"))
                guard state != .succeeded else {
                    #expect(result == .answered(replies))
                    continue
                }
                let record = try #require(result.record)
                #expect(record.acceptedAt == Sample.moment(10))
                #expect(record.owner == "run-1")
                // An earlier message has the end of its own round, though others ask again.
                #expect(try await ledger.claim(again) == .answered(replies))
            }
        },
        LedgerPromise("a question that is over is asked anew under other content") { ledger in
            for (kind, state) in [(JobKind.rechargeStatus, JobState.notFound), (.rechargeStatus, .succeeded), (.panStatus, .failed)] {
                let reference = "\(kind)-\(state)"
                let wrong = Sample.claim(Sample.job(kind, reference), state: state)
                let replies = try await ledger.claim(wrong).replies
                try await ledger.markPublished(replies.map(\.id))
                let right = Sample.claim(corrected(kind, reference), now: Sample.moment(60), state: .accepted)
                let record = try #require(try await ledger.claim(right).record)
                #expect(record.job == right.job)
                #expect(record.fingerprint == right.fingerprint)
                #expect(record.acceptedAt == Sample.moment(60))
                let stored = try #require(try await ledger.job(kind, reference))
                #expect(stored.record == record)
                #expect(!stored.history.contains { $0.event == .conflict })
                // From now on this is its content.
                var same = Sample.claim(corrected(kind, reference), asker: Sample.asker("c-2"), owner: "run-2", live: ["run-1"])
                #expect(try await ledger.claim(same) == .joined(owner: "run-1"))
                same.asker = nil
                #expect(try await ledger.claim(same) == .joined(owner: "run-1", isTold: false))
            }
        },
        LedgerPromise("a question that waits in the ledger goes on under the content that came last, for all who have asked") { ledger in
            for kind in [JobKind.rechargeStatus, .panStatus] {
                let first = try #require(try await ledger.claim(Sample.claim(Sample.job(kind), state: .accepted)).record)
                _ = try await ledger.update(Sample.update(first.id, to: .accepted, dueAt: Sample.moment(900), event: .waiting))
                let right = Sample.claim(
                    corrected(kind, "r-1"), asker: Sample.asker("c-2"), owner: "run-2", now: Sample.moment(60), state: .accepted)
                let record = try #require(try await ledger.claim(right).record)
                #expect(record.job == right.job)
                #expect(record.fingerprint == right.fingerprint)
                #expect(record.owner == "run-2")
                #expect(record.progress == Progress())
                #expect(record.acceptedAt == Sample.moment(60))
                let stored = try #require(try await ledger.job(kind, "r-1"))
                #expect(stored.record == record)
                #expect(stored.history.map(\.event) == [.accepted, .waiting, .resumed])
                let told = try await ledger.update(
                    Sample.update(record.id, owner: "run-2", to: .failed, reply: Sample.reply(record.job, .failed), event: .finished))
                #expect(told.replies?.map(\.asker.correlationID) == ["c-1", "c-2"])
            }
            #expect(
                try await ledger.summary().stored.filter { $0.value != 0 } == [
                    .init(.rechargeStatus, .failed): 1, .init(.panStatus, .failed): 1,
                ])
        },
        LedgerPromise("a question with other content waits for the run that asks the first one, and is told nothing by it") { ledger in
            for kind in [JobKind.rechargeStatus, .panStatus] {
                let first = try #require(try await ledger.claim(Sample.claim(Sample.job(kind), state: .accepted)).record)
                var other = Sample.claim(
                    corrected(kind, "r-1"), asker: Sample.asker("c-2"), owner: "run-2", live: ["run-1"], now: Sample.moment(5),
                    state: .accepted)
                #expect(try await ledger.claim(other) == .joined(owner: "run-1", isTold: false))
                #expect(try await ledger.job(kind, "r-1")?.record == first)
                let told = try await ledger.update(
                    Sample.update(first.id, to: .failed, reply: Sample.reply(first.job, .failed), event: .finished))
                #expect(told.replies?.map(\.asker.correlationID) == ["c-1"])
                other.hasJoined = true
                #expect(try await ledger.claim(other).record?.job == other.job)
            }
        },
        LedgerPromise("a question that is too late ends no other one") { ledger in
            let first = try #require(try await ledger.claim(Sample.claim(Sample.job(.panStatus), state: .accepted)).record)
            _ = try await ledger.update(Sample.update(first.id, to: .pending, dueAt: Sample.moment(900), event: .waiting))
            let late = Sample.claim(corrected(.panStatus, "r-1"), asker: Sample.asker("c-2"), now: Sample.moment(60), state: .expired)
            #expect(try await ledger.claim(late) == .conflict)
            #expect(try await ledger.job(.panStatus, "r-1")?.record.progress.state == .pending)
        },
        LedgerPromise("what the ledger has put back goes on with the content of today") { ledger in
            let first = try #require(try await ledger.claim(Sample.claim(Sample.job(.panStatus), state: .accepted)).record)
            _ = try await ledger.update(Sample.update(first.id, to: .pending, dueAt: Sample.moment(9), event: .waiting))
            let old = Sample.claim(corrected(.panStatus, "r-1"), asker: nil, now: Sample.moment(60), state: .accepted)
            #expect(try await ledger.claim(old).record?.job == first.job)
        },
        LedgerPromise("so many askers are told the end of a job; who comes later is told what is known, and the end by asking again") {
            ledger in
            let record = try #require(try await ledger.claim(Sample.claim()).record)
            let doubt = Sample.update(
                record.id, to: .inDoubt, reply: Sample.reply(record.job, .inDoubt), dueAt: Sample.moment(90_000), event: .doubt)
            _ = try await ledger.update(doubt)
            for number in 0..<Claim.maximumAskers + 5 {
                let result = try await ledger.claim(Sample.claim(asker: Sample.asker("a-\(number)"), now: Sample.moment(10)))
                #expect(result.replies.map(\.outcome) == [.inDoubt])
            }
            let resumed = try #require(try await ledger.claim(Sample.claim(now: Sample.moment(90_000))).record)
            let final = try await ledger.update(
                Sample.update(resumed.id, to: .failed, reply: Sample.reply(record.job, .failed), event: .finished))
            #expect(final.replies?.count == Claim.maximumAskers)
            let late = Sample.asker("a-\(Claim.maximumAskers + 3)")
            #expect(try await ledger.claim(Sample.claim(asker: late)).replies.map(\.outcome) == [.failed])
        },
    ]

    /// The same question, asked as another merchant, or with another key.
    private static func corrected(_ kind: JobKind, _ reference: String) -> Job {
        switch kind {
        case .recharge: Sample.job(kind, reference, paise: 1)
        case .rechargeStatus: .rechargeStatus(RechargeStatusQuery(reference: reference, registerID: "5678"))
        case .panStatus: .panStatus(PANStatusQuery(reference: reference, nepKey: "another", domain: "example.org"))
        }
    }
}
