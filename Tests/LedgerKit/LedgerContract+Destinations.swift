import JobModel
import Ledger
import Testing

extension LedgerPromise {
    static let destinations = [
        LedgerPromise("the last recharge that BOS said it has done is the newest, and was sent to where is asked for") { ledger in
            #expect(try await ledger.lastExecuted(sentTo: "a").isEmpty)
            for (number, destination) in ["a", "a", "b"].enumerated() { _ = try await execute("r-\(number)", at: destination, in: ledger) }
            #expect(try await ledger.lastExecuted(sentTo: "a").first?.job.reference == "r-1")
            #expect(try await ledger.lastExecuted(sentTo: "b").first == ledger.job(.recharge, "r-2")?.record)
            #expect(try await ledger.lastExecuted(sentTo: "c").isEmpty)
        },
        LedgerPromise("of each merchant the last recharge that BOS said it has done is found, the newest first") { ledger in
            for (number, merchant) in ["m-1", "m-2", "m-1", "m-3", "m-2"].enumerated() {
                _ = try await execute("r-\(number)", of: merchant, at: "a", in: ledger)
            }
            #expect(try await ledger.lastExecuted(sentTo: "a").map(\.job.reference) == ["r-4", "r-3", "r-2"])
        },
        LedgerPromise("what an enquiry or a person said, a question, a failure and what had no answer are no recharge that BOS has done") {
            ledger in
            _ = try await execute("plain", at: "a", in: ledger)
            _ = try await execute("asked", at: "a", in: ledger) { $0.progress.enquiries = 1 }
            _ = try await execute("settled", at: "a", in: ledger) { $0.entry = HistoryEntry(at: Sample.moment(3), .settled, "by a person") }
            _ = try await execute("question", kind: .rechargeStatus, at: "a", in: ledger)
            _ = try await execute("failed", at: "a", in: ledger) { $0.progress.state = .failed }
            _ = try await execute("silent", at: "a", in: ledger) { $0.progress.answer = nil }
            _ = try await execute("anywhere", at: nil, in: ledger)
            #expect(try await ledger.lastExecuted(sentTo: "a").first?.job.reference == "plain")
        },
        LedgerPromise("recharges that are not settled and were sent elsewhere are counted, with their money") { ledger in
            for (number, state) in [JobState.sending, .inDoubt, .parked, .accepted, .held, .succeeded].enumerated() {
                _ = try await execute("r-\(number)", at: "a", paise: 100 << number, in: ledger) { $0.progress.state = state }
            }
            _ = try await execute("unknown", at: nil, in: ledger) { $0.progress.state = .inDoubt }
            _ = try await execute("question", kind: .rechargeStatus, at: "a", in: ledger) { $0.progress.state = .inDoubt }
            #expect(try await ledger.doubtsSentElsewhere(than: "a") == DoubtTotal())
            #expect(try await ledger.doubtsSentElsewhere(than: "b") == DoubtTotal(count: 3, amount: Money(paise: 700)))
        },
    ]

    /// Stores a recharge that BOS has done, unless `change` says something else of it.
    private static func execute(
        _ reference: String, kind: JobKind = .recharge, of merchant: String = "1234", at destination: String?, paise: Int64 = 10_50,
        in ledger: any Ledger,
        _ change: (inout Update) -> Void = { _ in }
    ) async throws -> Int64 {
        var job = Sample.job(kind, reference, paise: paise)
        if case .recharge(var recharge) = job {
            recharge.registerID = merchant
            job = .recharge(recharge)
        }
        let id = try #require(try await ledger.claim(Sample.claim(job)).record).id
        var update = Sample.update(id, to: .succeeded)
        update.progress.sentTo = destination
        update.progress.enquiries = 0
        change(&update)
        _ = try await ledger.update(update)
        return id
    }
}
