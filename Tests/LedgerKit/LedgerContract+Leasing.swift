import JobModel
import Ledger
import Testing

extension LedgerContract {
    static let leasing = [
        LedgerContract("a waiting job is due at its due time, and not before") { ledger in
            let id = try await wait("r-1", dueAt: 60, in: ledger)
            #expect(try await take(.questions, at: 59, from: ledger).isEmpty)
            let due = try await take(.questions, at: 60, from: ledger)
            #expect(due.map(\.id) == [id])
            #expect(due.first?.job == Sample.job(.recharge, reference: "r-1"))
            #expect(due.first?.state == .inDoubt)
            #expect(due.first?.traceparent == "00-c-1")
        },
        LedgerContract("a leased job is leased to no other poller before the lease ends") { ledger in
            let id = try await wait("r-1", dueAt: 10, in: ledger)
            #expect(try await take(.questions, at: 20, leaseEnd: 50, from: ledger).map(\.id) == [id])
            #expect(try await take(.questions, at: 49, leaseEnd: 80, from: ledger).isEmpty)
            #expect(try await take(.questions, at: 50, leaseEnd: 80, from: ledger).map(\.id) == [id])
        },
        LedgerContract("a requeued job is due again only when it counts as lost") { ledger in
            let id = try await wait("r-1", dueAt: 10, in: ledger)
            let due = try await take(.questions, at: 20, from: ledger)
            try await ledger.markRequeued(due, at: Sample.moment(21))
            #expect(try await take(.questions, at: 21 + 899, from: ledger).isEmpty)
            #expect(try await take(.questions, at: 21 + 900, from: ledger).map(\.id) == [id])
            let history = try #require(try await ledger.job(.recharge, reference: "r-1")).history
            #expect(history.map(\.event) == [.accepted, .waiting, .requeued])
            #expect(history.last?.at == Sample.moment(21))
        },
        LedgerContract("a poller whose lease has ended marks nothing as requeued") { ledger in
            let id = try await wait("r-1", dueAt: 10, in: ledger)
            let slow = try await take(.questions, at: 20, leaseEnd: 50, from: ledger)
            #expect(try await take(.questions, at: 60, leaseEnd: 90, from: ledger).map(\.id) == [id])
            try await ledger.markRequeued(slow, at: Sample.moment(61))
            #expect(try await take(.questions, at: 90, from: ledger).map(\.id) == [id])
        },
        LedgerContract("a job that a run has claimed is not marked as requeued, and is due again only when the run counts as lost") {
            ledger in
            let id = try await wait("r-1", dueAt: 10, in: ledger)
            let due = try await take(.questions, at: 20, from: ledger)
            let result = try await ledger.claim(Sample.claim(Sample.job(), recipient: nil, owner: "run-2", now: Sample.moment(21)))
            #expect(result.record?.owner == "run-2")
            try await ledger.markRequeued(due, at: Sample.moment(22))
            #expect(try #require(try await ledger.job(.recharge, reference: "r-1")).history.last?.event == .resumed)
            #expect(try await take(.questions, at: 21 + 899, from: ledger).isEmpty)
            #expect(try await take(.questions, at: 21 + 900, from: ledger).map(\.id) == [id])
        },
        LedgerContract("the jobs that have been due longest come first, up to the limit") { ledger in
            for (number, due) in [40, 10, 30, 20].enumerated() { _ = try await wait("r-\(number)", dueAt: Int64(due), in: ledger) }
            #expect(try await take(.questions, at: 100, limit: 3, from: ledger).map(\.job.reference) == ["r-1", "r-3", "r-2"])
            #expect(try await take(.questions, at: 100, limit: 3, from: ledger).map(\.job.reference) == ["r-0"])
            #expect(try await take(.questions, at: 100, limit: 0, from: ledger).isEmpty)
        },
        LedgerContract("only recharges that were never sent are due in the lane that moves money") { ledger in
            _ = try await wait("r-1", dueAt: 1, in: ledger)
            _ = try await wait("r-2", state: .accepted, dueAt: 1, in: ledger)
            _ = try await wait("p-1", kind: .panStatus, state: .pending, dueAt: 1, in: ledger)
            _ = try await wait("p-2", kind: .panStatus, state: .accepted, dueAt: 1, in: ledger)
            #expect(try await take(.money, at: 10, from: ledger).map(\.job.reference) == ["r-2"])
            #expect(try await take(.questions, at: 10, from: ledger).map(\.job.reference) == ["r-1", "p-1", "p-2"])
        },
        LedgerContract("final and parked jobs are never due") { ledger in
            for state in JobState.allCases where state.isFinal || state == .parked {
                _ = try await wait("r-\(state)", state: state, dueAt: 1, in: ledger)
            }
            for lane in JobLane.allCases { #expect(try await take(lane, at: 100_000_000, from: ledger).isEmpty) }
        },
        LedgerContract("a job is due again if its run never ends or its delivery never comes back") { ledger in
            let id = try #require(try await ledger.claim(Sample.claim()).record).id
            #expect(try await take(.questions, at: 899, from: ledger).isEmpty)
            #expect(try await take(.questions, at: 900, leaseEnd: 960, from: ledger).map(\.id) == [id])
            _ = try await ledger.update(Sample.update(id, to: .accepted, at: Sample.moment(1_000), event: .released))
            #expect(try await take(.money, at: 1_000 + 899, from: ledger).isEmpty)
            #expect(try await take(.money, at: 1_000 + 900, from: ledger).map(\.id) == [id])
        },
        LedgerContract("a requeued job goes on whatever the clock says, and adds no recipient") { ledger in
            _ = try await wait("r-1", dueAt: 60, in: ledger)
            var claim = Sample.claim(Sample.job(), recipient: nil, owner: "run-2", now: Sample.moment(1))
            claim.dueWhenRequeued = try #require(try await take(.questions, at: 60, from: ledger).first).dueAt
            let result = try await ledger.claim(claim)
            let record = try #require(result.record)
            let replied = try await ledger.update(
                Sample.update(record.id, to: .succeeded, reply: Sample.reply(record.job, state: .succeeded)).by("run-2"))
            #expect(replied.replies?.map(\.recipient) == [Sample.recipient()])
            #expect(try await ledger.claim(Sample.claim(Sample.job(), recipient: nil)) == .answered([]))
        },
        LedgerContract("a stale copy of a requeued message waits for the job's new due time") { ledger in
            _ = try await wait("r-1", dueAt: 60, in: ledger)
            for stale in [Sample.moment(20), nil] {
                var claim = Sample.claim(Sample.job(), recipient: nil, owner: "run-2", now: Sample.moment(59))
                claim.dueWhenRequeued = stale
                #expect(try await ledger.claim(claim) == .waiting([]))
                claim.now = Sample.moment(60)
                claim.owner = "run-1"
                #expect(try await ledger.claim(claim).record?.owner == "run-1")
                _ = try await ledger.update(
                    Sample.update(1, to: .inDoubt, dueAt: Sample.moment(60), event: .waiting).by("run-1"))
            }
        },
        LedgerContract("no more jobs of a lane are in its queue than the limit allows, until runs have claimed some") { ledger in
            for number in 0..<5 { _ = try await wait("r-\(number)", dueAt: 1, in: ledger) }
            _ = try await wait("m-1", state: .accepted, dueAt: 1, in: ledger)
            #expect(try await requeue(3, lane: .questions, at: 10, in: ledger) == ["r-0", "r-1", "r-2"])
            #expect(try await requeue(3, lane: .questions, at: 11, in: ledger) == [])
            #expect(try await requeue(3, lane: .money, at: 11, in: ledger) == ["m-1"])
            _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "r-1"), recipient: nil, now: Sample.moment(12)))
            #expect(try await requeue(3, lane: .questions, at: 12, in: ledger) == ["r-3"])
            // No run has claimed them, so that their messages may be lost.
            #expect(try await requeue(3, lane: .questions, at: 1_000, in: ledger) == ["r-4", "r-0", "r-2"])
        },
        LedgerContract("a requeued job is not leased again while its message only waits for a consumer") { ledger in
            for number in 0..<3 { _ = try await wait("r-\(number)", dueAt: 1, in: ledger) }
            #expect(try await requeue(2, lane: .questions, at: 10, in: ledger) == ["r-0", "r-1"])
            #expect(try await requeue(2, lane: .questions, at: 2_000, repeatsLate: false, in: ledger) == [])
            #expect(try await requeue(3, lane: .questions, at: 4_000, repeatsLate: false, in: ledger) == ["r-2"])
            #expect(try await requeue(2, lane: .questions, at: 6_000, in: ledger) == ["r-0", "r-1"])
        },
        LedgerContract("only jobs that wait longer than any pause of the program are brought forward") { ledger in
            let hour = Int64(3_600)
            for (name, state, due) in [
                ("near", JobState.inDoubt, hour), ("far", .inDoubt, hour + 1), ("money", .accepted, 90_000 * hour),
                ("pan", .pending, 6 * hour),
                ("slow", .pending, 6 * hour + 1), ("held", .held, 90_000 * hour),
            ] { _ = try await wait(name, state: state, dueAt: due, in: ledger) }
            let longest = LongestPauses(pending: .seconds(6 * hour), other: .seconds(hour))
            let now = Sample.start
            #expect(try await ledger.bringForward(at: now, longest) == 3)
            #expect(try await ledger.bringForward(at: now, longest) == 0)
            #expect(try await take(.questions, at: 0, from: ledger).map(\.job.reference) == ["far", "slow"])
            let money = try await take(.money, at: 0, from: ledger)
            #expect(money.map(\.job.reference) == ["money"])
            #expect(money.map(\.dueAt) == [now])
            #expect(try await ledger.job(.recharge, reference: "near")?.record.progress.dueAt == Sample.moment(hour))
        },
        LedgerContract("a claim gets a job at once if it waits longer than any pause of the program") {
            ledger in
            let pauses = LongestPauses(pending: .seconds(100), other: .seconds(10))
            for (name, state, due, isDue) in [
                ("a", JobState.inDoubt, Int64(10), false), ("b", .inDoubt, 11, true), ("c", .pending, 100, false),
                ("d", .pending, 101, true),
                ("e", .held, 100_000, false),
            ] {
                _ = try await wait(name, state: state, dueAt: due, in: ledger)
                var claim = Sample.claim(Sample.job(.recharge, reference: name), owner: "run-2")
                claim.longestPauses = pauses
                #expect((try await ledger.claim(claim).record != nil) == isDue, "\(name)")
            }
        },
        LedgerContract("a requeued job that the ledger does not know is unknown, and is not stored") { ledger in
            let result = try await ledger.claim(Sample.claim(recipient: nil))
            #expect(result == .unknown)
            #expect(try await ledger.job(.recharge, reference: "r-1") == nil)
        },
        LedgerContract("a parked job waits for the operator, whatever claims come") { ledger in
            _ = try await wait("r-1", state: .parked, dueAt: nil, in: ledger)
            for recipient in [Sample.recipient("c-2"), nil] {
                #expect(
                    try await ledger.claim(Sample.claim(Sample.job(), recipient: recipient, now: Sample.moment(99_999))) == .waiting([]))
            }
        },
        LedgerContract("a message that leaves a value to the configuration is the same job as one that contains it") { ledger in
            _ = try await ledger.claim(Sample.claim())
            var same = Sample.claim(live: ["run-1"])
            same.fingerprint = [1, 2, 3]
            #expect(try await ledger.claim(same) == .joined(owner: "run-1"))
            var other = Sample.claim(Sample.job(paise: 99), live: ["run-1"])
            other.fingerprint = [1, 2, 3]
            #expect(try await ledger.claim(other) == .conflict)
            // The fingerprint of the message's own content is the same, although the configuration adds other values now.
            other.fingerprint = Sample.job().fingerprint
            #expect(try await ledger.claim(other) == .joined(owner: "run-1"))
        },
        LedgerContract("jobs in a state are listed, the oldest first") { ledger in
            for number in 0..<5 { _ = try await wait("r-\(number)", state: number == 2 ? .accepted : .inDoubt, dueAt: 1, in: ledger) }
            #expect(try await ledger.jobs(.recharge, in: .inDoubt, limit: 3).map(\.job.reference) == ["r-0", "r-1", "r-3"])
            #expect(try await ledger.jobs(.panStatus, in: .inDoubt, limit: 3).isEmpty)
        },
        LedgerContract("each job is leased to one of many simultaneous pollers") { ledger in
            for number in 0..<50 { _ = try await wait("r-\(number)", dueAt: 1, in: ledger) }
            let taken = try await withThrowingTaskGroup(of: [DueJob].self) { group in
                for _ in 0..<20 { group.addTask { try await take(.questions, at: 10, limit: 5, from: ledger) } }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(taken.count == 50)
            #expect(Set(taken.map(\.id)).count == 50)
        },
    ]

    /// Stores a waiting job.
    private static func wait(
        _ reference: String, kind: JobKind = .recharge, state: JobState = .inDoubt, dueAt: Int64?, in ledger: any Ledger
    ) async throws -> Int64 {
        let id = try #require(try await ledger.claim(Sample.claim(Sample.job(kind, reference: reference))).record).id
        _ = try await ledger.update(Sample.update(id, to: state, dueAt: dueAt.map(Sample.moment), event: .waiting))
        return id
    }

    /// Leases due jobs and marks them as requeued.
    private static func requeue(
        _ maximum: Int, lane: JobLane, at second: Int64, repeatsLate: Bool = true, in ledger: any Ledger
    ) async throws -> [String] {
        var request = DueRequest(lane, at: Sample.moment(second), leaseEnd: Sample.moment(second + 30), limit: 100)
        (request.maximumInQueue, request.repeatsLate) = (maximum, repeatsLate)
        let due = try await ledger.takeDue(request).jobs
        try await ledger.markRequeued(due, at: Sample.moment(second))
        return due.map(\.job.reference)
    }

    private static func take(
        _ lane: JobLane, at now: Int64, leaseEnd: Int64? = nil, limit: Int = 100, from ledger: any Ledger
    ) async throws -> [DueJob] {
        try await ledger.takeDue(
            lane, at: Sample.moment(now), leaseEnd: Sample.moment(leaseEnd ?? now + 30), limit: limit
        ).jobs
    }
}
