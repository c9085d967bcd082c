import JobModel
import Ledger
import Testing

/// Questions move no money, so that they may be asked again, and with other content.
extension LedgerContract {
    static let questions = [
        LedgerContract("a new message can follow a PAN application again, unless it has succeeded") {
            ledger in
            for (name, state) in [("a", JobState.failed), ("b", .expired), ("c", .succeeded)] {
                let job = Sample.job(.panStatus, reference: name)
                let first = try #require(try await ledger.claim(Sample.claim(job, state: .accepted).delivered(as: "m-1")).record)
                let pending = try await ledger.update(
                    Sample.update(first.id, to: .pending, reply: Sample.reply(job, state: .pending), event: .waiting).keepingOwnership())
                let replied = try await ledger.update(
                    Sample.update(first.id, to: state, reply: Sample.reply(job, state: state), event: .finished))
                let replies = try #require(replied.replies)
                try await ledger.markPublished((pending.replies ?? []).map(\.id) + replies.map(\.id))
                // The redelivered message gets its stored reply.
                let again = Sample.claim(job, now: Sample.moment(9), state: .accepted).delivered(as: "m-1", again: true)
                #expect(try await ledger.claim(again) == .answered(replies))
                try await ledger.markPublished(replies.map(\.id))
                let result = try await ledger.claim(Sample.claim(job, now: Sample.moment(10), state: .accepted).delivered(as: "m-2"))
                guard state != .succeeded else {
                    #expect(result == .answered(replies))
                    continue
                }
                let record = try #require(result.record)
                #expect(record.acceptedAt == Sample.moment(10))
                #expect(record.owner == "run-1")
                // An earlier message gets the end of its own round, although a new round has started.
                #expect(try await ledger.claim(again) == .answered(replies))
            }
        },
        LedgerContract("a final question can be asked again with other content") { ledger in
            for (kind, state) in [(JobKind.rechargeStatus, JobState.notFound), (.rechargeStatus, .succeeded), (.panStatus, .failed)] {
                let reference = "\(kind)-\(state)"
                let wrong = Sample.claim(Sample.job(kind, reference: reference), state: state)
                let replies = try await ledger.claim(wrong).replies
                try await ledger.markPublished(replies.map(\.id))
                let right = Sample.claim(corrected(kind, reference: reference), now: Sample.moment(60), state: .accepted)
                let record = try #require(try await ledger.claim(right).record)
                #expect(record.job == right.job)
                #expect(record.fingerprint == right.fingerprint)
                #expect(record.acceptedAt == Sample.moment(60))
                let stored = try #require(try await ledger.job(kind, reference: reference))
                #expect(stored.record == record)
                #expect(!stored.history.contains { $0.event == .conflict })
                // This is the stored content from now on.
                var same = Sample.claim(
                    corrected(kind, reference: reference), recipient: Sample.recipient("c-2"), owner: "run-2", live: ["run-1"])
                #expect(try await ledger.claim(same) == .joined(owner: "run-1"))
                same.recipient = nil
                #expect(try await ledger.claim(same) == .joined(owner: "run-1", isRecipient: false))
            }
        },
        LedgerContract("a waiting question goes on with the latest content, for all its recipients") { ledger in
            for kind in [JobKind.rechargeStatus, .panStatus] {
                let first = try #require(try await ledger.claim(Sample.claim(Sample.job(kind), state: .accepted)).record)
                _ = try await ledger.update(Sample.update(first.id, to: .accepted, dueAt: Sample.moment(900), event: .waiting))
                let right = Sample.claim(
                    corrected(kind, reference: "r-1"), recipient: Sample.recipient("c-2"), owner: "run-2", now: Sample.moment(60),
                    state: .accepted)
                let record = try #require(try await ledger.claim(right).record)
                #expect(record.job == right.job)
                #expect(record.fingerprint == right.fingerprint)
                #expect(record.owner == "run-2")
                #expect(record.progress == Progress())
                #expect(record.acceptedAt == Sample.moment(60))
                let stored = try #require(try await ledger.job(kind, reference: "r-1"))
                #expect(stored.record == record)
                #expect(stored.history.map(\.event) == [.accepted, .waiting, .resumed])
                let replied = try await ledger.update(
                    Sample.update(record.id, to: .failed, reply: Sample.reply(record.job, state: .failed), event: .finished).by("run-2"))
                #expect(replied.replies?.map(\.recipient.correlationID) == ["c-1", "c-2"])
            }
            #expect(
                try await ledger.summary().stored.filter { $0.value != 0 } == [
                    .init(.rechargeStatus, in: .failed): 1, .init(.panStatus, in: .failed): 1,
                ])
        },
        LedgerContract("a question with other content waits for the current run, and gets no reply from it") { ledger in
            for kind in [JobKind.rechargeStatus, .panStatus] {
                let first = try #require(try await ledger.claim(Sample.claim(Sample.job(kind), state: .accepted)).record)
                var other = Sample.claim(
                    corrected(kind, reference: "r-1"), recipient: Sample.recipient("c-2"), owner: "run-2", live: ["run-1"],
                    now: Sample.moment(5),
                    state: .accepted)
                #expect(try await ledger.claim(other) == .joined(owner: "run-1", isRecipient: false))
                #expect(try await ledger.job(kind, reference: "r-1")?.record == first)
                let replied = try await ledger.update(
                    Sample.update(first.id, to: .failed, reply: Sample.reply(first.job, state: .failed), event: .finished))
                #expect(replied.replies?.map(\.recipient.correlationID) == ["c-1"])
                other.hasJoined = true
                #expect(try await ledger.claim(other).record?.job == other.job)
            }
        },
        LedgerContract("a question after its deadline does not end the stored one") { ledger in
            let first = try #require(try await ledger.claim(Sample.claim(Sample.job(.panStatus), state: .accepted)).record)
            _ = try await ledger.update(Sample.update(first.id, to: .pending, dueAt: Sample.moment(900), event: .waiting))
            let late = Sample.claim(
                corrected(.panStatus, reference: "r-1"), recipient: Sample.recipient("c-2"), now: Sample.moment(60), state: .expired)
            #expect(try await ledger.claim(late) == .conflict)
            #expect(try await ledger.job(.panStatus, reference: "r-1")?.record.progress.state == .pending)
        },
        LedgerContract("a requeued job goes on with the stored content") { ledger in
            let first = try #require(try await ledger.claim(Sample.claim(Sample.job(.panStatus), state: .accepted)).record)
            _ = try await ledger.update(Sample.update(first.id, to: .pending, dueAt: Sample.moment(9), event: .waiting))
            let old = Sample.claim(corrected(.panStatus, reference: "r-1"), recipient: nil, now: Sample.moment(60), state: .accepted)
            #expect(try await ledger.claim(old).record?.job == first.job)
        },
        LedgerContract(
            "a limited number of recipients gets the final reply; later ones get the current reply, and the final one by asking again"
        ) {
            ledger in
            let record = try #require(try await ledger.claim(Sample.claim()).record)
            let doubt = Sample.update(
                record.id, to: .inDoubt, reply: Sample.reply(record.job, state: .inDoubt), dueAt: Sample.moment(90_000), event: .doubt)
            _ = try await ledger.update(doubt)
            for number in 0..<Claim.maximumRecipients + 5 {
                let result = try await ledger.claim(Sample.claim(recipient: Sample.recipient("a-\(number)"), now: Sample.moment(10)))
                #expect(result.replies.map(\.outcome) == [.inDoubt])
            }
            let resumed = try #require(try await ledger.claim(Sample.claim(now: Sample.moment(90_000))).record)
            let final = try await ledger.update(
                Sample.update(resumed.id, to: .failed, reply: Sample.reply(record.job, state: .failed), event: .finished))
            #expect(final.replies?.count == Claim.maximumRecipients)
            let late = Sample.recipient("a-\(Claim.maximumRecipients + 3)")
            #expect(try await ledger.claim(Sample.claim(recipient: late)).replies.map(\.outcome) == [.failed])
        },
    ]

    /// The same question for another merchant, or with another key.
    private static func corrected(_ kind: JobKind, reference: String) -> Job {
        switch kind {
        case .recharge: Sample.job(kind, reference: reference, paise: 1)
        case .rechargeStatus: .rechargeStatus(RechargeStatusQuery(reference: reference, registerID: "5678"))
        case .panStatus: .panStatus(PANStatusQuery(reference: reference, nepKey: "another", domain: "example.org"))
        }
    }
}
