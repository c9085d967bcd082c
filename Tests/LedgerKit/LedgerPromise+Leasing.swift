import JobModel
import Ledger
import Testing

extension LedgerPromise {
    static let leasing = [
        LedgerPromise("a job that waits is due when its time has come, and not before") { ledger in
            let id = try await wait("r-1", dueAt: 60, in: ledger)
            #expect(try await take(.questions, at: 59, from: ledger).isEmpty)
            let due = try await take(.questions, at: 60, from: ledger)
            #expect(due.map(\.id) == [id])
            #expect(due.first?.job == Sample.job(.recharge, "r-1"))
            #expect(due.first?.state == .inDoubt)
            #expect(due.first?.traceparent == "00-c-1")
        },
        LedgerPromise("what is leased is given to nobody else before the lease is over") { ledger in
            let id = try await wait("r-1", dueAt: 10, in: ledger)
            #expect(try await take(.questions, at: 20, leaseEnd: 50, from: ledger).map(\.id) == [id])
            #expect(try await take(.questions, at: 49, leaseEnd: 80, from: ledger).isEmpty)
            #expect(try await take(.questions, at: 50, leaseEnd: 80, from: ledger).map(\.id) == [id])
        },
        LedgerPromise("what is in its queue is due again only when it must have been lost") { ledger in
            let id = try await wait("r-1", dueAt: 10, in: ledger)
            let due = try await take(.questions, at: 20, from: ledger)
            try await ledger.markRequeued(due, at: Sample.moment(21))
            #expect(try await take(.questions, at: 21 + 899, from: ledger).isEmpty)
            #expect(try await take(.questions, at: 21 + 900, from: ledger).map(\.id) == [id])
            let history = try #require(try await ledger.job(.recharge, "r-1")).history
            #expect(history.map(\.event) == [.accepted, .waiting, .requeued])
            #expect(history.last?.at == Sample.moment(21))
        },
        LedgerPromise("whoever has lost the lease marks nothing") { ledger in
            let id = try await wait("r-1", dueAt: 10, in: ledger)
            let slow = try await take(.questions, at: 20, leaseEnd: 50, from: ledger)
            #expect(try await take(.questions, at: 60, leaseEnd: 90, from: ledger).map(\.id) == [id])
            try await ledger.markRequeued(slow, at: Sample.moment(61))
            #expect(try await take(.questions, at: 90, from: ledger).map(\.id) == [id])
        },
        LedgerPromise("a job that a run has taken up is not marked, and due again only if the run is lost") { ledger in
            let id = try await wait("r-1", dueAt: 10, in: ledger)
            let due = try await take(.questions, at: 20, from: ledger)
            let result = try await ledger.claim(Sample.claim(Sample.job(), asker: nil, owner: "run-2", now: Sample.moment(21)))
            #expect(result.record?.owner == "run-2")
            try await ledger.markRequeued(due, at: Sample.moment(22))
            #expect(try #require(try await ledger.job(.recharge, "r-1")).history.last?.event == .resumed)
            #expect(try await take(.questions, at: 21 + 899, from: ledger).isEmpty)
            #expect(try await take(.questions, at: 21 + 900, from: ledger).map(\.id) == [id])
        },
        LedgerPromise("the longest due come first, as many as are asked for") { ledger in
            for (number, due) in [40, 10, 30, 20].enumerated() { _ = try await wait("r-\(number)", dueAt: Int64(due), in: ledger) }
            #expect(try await take(.questions, at: 100, limit: 3, from: ledger).map(\.job.reference) == ["r-1", "r-3", "r-2"])
            #expect(try await take(.questions, at: 100, limit: 3, from: ledger).map(\.job.reference) == ["r-0"])
            #expect(try await take(.questions, at: 100, limit: 0, from: ledger).isEmpty)
        },
        LedgerPromise("only recharges of which nothing was sent are due in the lane that moves money") { ledger in
            _ = try await wait("r-1", dueAt: 1, in: ledger)
            _ = try await wait("r-2", .accepted, dueAt: 1, in: ledger)
            _ = try await wait("p-1", kind: .panStatus, .pending, dueAt: 1, in: ledger)
            _ = try await wait("p-2", kind: .panStatus, .accepted, dueAt: 1, in: ledger)
            #expect(try await take(.money, at: 10, from: ledger).map(\.job.reference) == ["r-2"])
            #expect(try await take(.questions, at: 10, from: ledger).map(\.job.reference) == ["r-1", "p-1", "p-2"])
        },
        LedgerPromise("what is over or parked is never due") { ledger in
            for state in JobState.allCases where state.isFinal || state == .parked {
                _ = try await wait("r-\(state)", state, dueAt: 1, in: ledger)
            }
            for lane in JobLane.allCases { #expect(try await take(lane, at: 100_000_000, from: ledger).isEmpty) }
        },
        LedgerPromise("a run that never ends and a delivery that never comes back are noticed in the end") { ledger in
            let id = try #require(try await ledger.claim(Sample.claim()).record).id
            #expect(try await take(.questions, at: 899, from: ledger).isEmpty)
            #expect(try await take(.questions, at: 900, leaseEnd: 960, from: ledger).map(\.id) == [id])
            _ = try await ledger.update(Sample.update(id, to: .accepted, at: Sample.moment(1_000), event: .released))
            #expect(try await take(.money, at: 1_000 + 899, from: ledger).isEmpty)
            #expect(try await take(.money, at: 1_000 + 900, from: ledger).map(\.id) == [id])
        },
        LedgerPromise("a job put back on its queue goes on whatever the clock says, and asks for nobody") { ledger in
            _ = try await wait("r-1", dueAt: 60, in: ledger)
            let result = try await ledger.claim(Sample.claim(Sample.job(), asker: nil, owner: "run-2", now: Sample.moment(1)))
            let record = try #require(result.record)
            let told = try await ledger.update(
                Sample.update(record.id, owner: "run-2", to: .succeeded, reply: Sample.reply(record.job, .succeeded)))
            #expect(told.replies?.map(\.asker) == [Sample.asker()])
            #expect(try await ledger.claim(Sample.claim(Sample.job(), asker: nil)) == .answered([]))
        },
        LedgerPromise("a job put back on its queue that the ledger does not know is unknown, and stays so") { ledger in
            let result = try await ledger.claim(Sample.claim(asker: nil))
            #expect(result == .unknown)
            #expect(try await ledger.job(.recharge, "r-1") == nil)
        },
        LedgerPromise("a parked job waits for a person, whoever asks and whenever") { ledger in
            _ = try await wait("r-1", .parked, dueAt: nil, in: ledger)
            for asker in [Sample.asker("c-2"), nil] {
                #expect(try await ledger.claim(Sample.claim(Sample.job(), asker: asker, now: Sample.moment(99_999))) == .waiting([]))
            }
        },
        LedgerPromise("a message that leaves to the configuration what another one spells out is the same job") { ledger in
            _ = try await ledger.claim(Sample.claim())
            var same = Sample.claim(live: ["run-1"])
            same.fingerprint = [1, 2, 3]
            #expect(try await ledger.claim(same) == .joined(owner: "run-1"))
            var other = Sample.claim(Sample.job(paise: 99), live: ["run-1"])
            other.fingerprint = [1, 2, 3]
            #expect(try await ledger.claim(other) == .conflict)
            // What the message brought is what it always brings, whatever the configuration adds to it by now.
            other.fingerprint = Sample.job().fingerprint
            #expect(try await ledger.claim(other) == .joined(owner: "run-1"))
        },
        LedgerPromise("jobs in a state are listed, the oldest first") { ledger in
            for number in 0..<5 { _ = try await wait("r-\(number)", number == 2 ? .accepted : .inDoubt, dueAt: 1, in: ledger) }
            #expect(try await ledger.jobs(.recharge, in: .inDoubt, limit: 3).map(\.job.reference) == ["r-0", "r-1", "r-3"])
            #expect(try await ledger.jobs(.panStatus, in: .inDoubt, limit: 3).isEmpty)
        },
        LedgerPromise("of many pollers that ask at once each job goes to one") { ledger in
            for number in 0..<50 { _ = try await wait("r-\(number)", dueAt: 1, in: ledger) }
            let taken = try await withThrowingTaskGroup(of: [DueJob].self) { group in
                for _ in 0..<20 { group.addTask { try await take(.questions, at: 10, limit: 5, from: ledger) } }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(taken.count == 50)
            #expect(Set(taken.map(\.id)).count == 50)
        },
    ]

    /// Stores a job that waits, and returns its id.
    private static func wait(
        _ reference: String, kind: JobKind = .recharge, _ state: JobState = .inDoubt, dueAt: Int64?, in ledger: any Ledger
    ) async throws -> Int64 {
        let id = try #require(try await ledger.claim(Sample.claim(Sample.job(kind, reference))).record).id
        _ = try await ledger.update(Sample.update(id, to: state, dueAt: dueAt.map(Sample.moment), event: .waiting))
        return id
    }

    private static func take(
        _ lane: JobLane, at now: Int64, leaseEnd: Int64? = nil, limit: Int = 100, from ledger: any Ledger
    ) async throws -> [DueJob] {
        try await ledger.takeDue(
            lane, at: Sample.moment(now), leaseEnd: Sample.moment(leaseEnd ?? now + 30), limit: limit
        ).jobs
    }
}
