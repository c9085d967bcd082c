import JobModel
import Ledger
import Testing

extension LedgerContract {
    static let destinations = [
        LedgerContract("the last executed recharge is the newest one that was sent to the given destination") { ledger in
            #expect(try await ledger.lastExecuted(sentTo: "a").isEmpty)
            for (number, destination) in ["a", "a", "b"].enumerated() {
                try await execute(recharge("r-\(number)"), at: destination, in: ledger)
            }
            #expect(try await ledger.lastExecuted(sentTo: "a").first?.job.reference == "r-1")
            #expect(try await ledger.lastExecuted(sentTo: "b").first == ledger.job(.recharge, reference: "r-2")?.record)
            #expect(try await ledger.lastExecuted(sentTo: "c").isEmpty)
        },
        LedgerContract("each merchant's last executed recharge is found, the newest first") { ledger in
            for (number, merchant) in ["m-1", "m-2", "m-1", "m-3", "m-2"].enumerated() {
                try await execute(recharge("r-\(number)", of: merchant), at: "a", in: ledger)
            }
            #expect(try await ledger.lastExecuted(sentTo: "a").map(\.job.reference) == ["r-4", "r-3", "r-2"])
        },
        LedgerContract("a recharge counts as executed only by BOS's own answer to it, not by an enquiry or an operator's decision") {
            ledger in
            try await execute(recharge("plain"), at: "a", in: ledger)
            try await execute(recharge("asked"), at: "a", in: ledger) { $0.progress.enquiries = 1 }
            try await execute(recharge("settled"), at: "a", in: ledger) {
                $0.entry = HistoryEntry(at: Sample.moment(3), .resolved, detail: "by a person")
            }
            try await execute(Sample.job(.rechargeStatus, reference: "question"), at: "a", in: ledger)
            try await execute(recharge("failed"), at: "a", in: ledger) { $0.progress.state = .failed }
            try await execute(recharge("silent"), at: "a", in: ledger) { $0.progress.answer = nil }
            try await execute(recharge("anywhere"), at: nil, in: ledger)
            #expect(try await ledger.lastExecuted(sentTo: "a").first?.job.reference == "plain")
        },
        LedgerContract("unresolved recharges that were sent to another destination are counted, with their amount") { ledger in
            for (number, state) in [JobState.sending, .inDoubt, .parked, .accepted, .held, .succeeded].enumerated() {
                try await execute(recharge("r-\(number)", paise: 100 << number), at: "a", in: ledger) { $0.progress.state = state }
            }
            try await execute(recharge("unknown"), at: nil, in: ledger) { $0.progress.state = .inDoubt }
            try await execute(Sample.job(.rechargeStatus, reference: "question"), at: "a", in: ledger) { $0.progress.state = .inDoubt }
            #expect(try await ledger.doubtsSentElsewhere(than: "a") == DoubtTotal())
            #expect(try await ledger.doubtsSentElsewhere(than: "b") == DoubtTotal(count: 3, amount: Money(paise: 700)))
        },
    ]

    /// Stores a job that BOS has executed at this destination, unless `change` changes the update.
    private static func execute(
        _ job: Job, at destination: String?, in ledger: any Ledger, change: (inout Update) -> Void = { _ in }
    ) async throws {
        let id = try #require(try await ledger.claim(Sample.claim(job)).record).id
        var update = Sample.update(id, to: .succeeded)
        update.progress.sentTo = destination
        update.progress.enquiries = 0
        change(&update)
        _ = try await ledger.update(update)
    }

    private static func recharge(_ reference: String, of merchant: String = "1234", paise: Int64 = 10_50) -> Job {
        let job = Sample.job(reference: reference, paise: paise)
        guard case .recharge(var recharge) = job else { return job }
        recharge.registerID = merchant
        return .recharge(recharge)
    }
}
