import JobModel
import Ledger
import LedgerKit
import Testing

@testable import BOSCtl

@Suite("Jobs and doubts as a person reads them", .timeLimit(.minutes(1)))
struct JobReportTests {
    /// A recharge that was claimed and then left in that state, with a line of history that names the subscriber as BOS does.
    private static func leave(_ reference: String, in state: JobState, dueAt: Timestamp? = nil, _ ledger: MemoryLedger) async throws {
        let claimed = try #require(
            try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: reference), owner: reference)).record)
        var update = Sample.update(claimed.id, to: state, dueAt: dueAt).by(reference)
        update.entry = HistoryEntry(at: Sample.moment(3), .enquired, detail: "BOS knows nothing of dl 12 cb 4685")
        _ = try await ledger.update(update)
    }

    private static func report(_ reference: String, _ ledger: MemoryLedger) async throws -> [String] {
        let (record, history) = try #require(try await ledger.job(.recharge, reference: reference))
        return JobReport(record: record, history: history, now: Sample.moment(3_600)).lines
    }

    @Test("a job in doubt: what it is, since when, what was tried, when it goes on, and its history without the subscriber")
    func inDoubt() async throws {
        let ledger = MemoryLedger()
        try await Self.leave("r-1", in: .inDoubt, dueAt: Sample.moment(3_840), ledger)
        let lines = try await Self.report("r-1", ledger)
        #expect(lines[0] == "recharge r-1: in doubt: it may have been executed, BOS is asked")
        let text = lines.joined(separator: "\n")
        for part in [
            "why         no usable answer came", "10.50 rupees to ***685, operator 311", "59 min ago", "2 sent, 3 enquiries",
            "next        in 4 min, at", "BOS takes no more calls for now", "owner       nobody, it waits in the ledger",
            "BOS said    HTTP 200, response_code 0, \"läuft ? noch\"", "asks BOS             BOS knows nothing of ***685",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(!text.contains("4685"))
    }

    @Test(
        "what a person has to do is said",
        arguments: [
            (JobState.parked, "bosctl resolve settles it"), (.held, "bosctl retry --send sends it"), (.sending, "delivered again"),
        ])
    func next(state: JobState, says: String) async throws {
        let ledger = MemoryLedger()
        try await Self.leave("r-1", in: state, ledger)
        #expect(try await Self.report("r-1", ledger).contains { $0.hasPrefix("  next") && $0.contains(says) })
    }

    @Test("a job that is over needs nobody any more")
    func over() async throws {
        let ledger = MemoryLedger()
        try await Self.leave("r-1", in: .succeeded, ledger)
        let lines = try await Self.report("r-1", ledger)
        #expect(lines[0] == "recharge r-1: succeeded")
        #expect(!lines.contains { $0.hasPrefix("  next") || $0.hasPrefix("  owner") })
        #expect(lines.contains { $0.hasPrefix("  over") })
    }

    @Test("a run at work is named")
    func owned() async throws {
        let ledger = MemoryLedger()
        _ = try await ledger.claim(Sample.claim(owner: "run\n7"))
        let lines = try await Self.report("r-1", ledger)
        #expect(lines.contains("  owner       run?7 works on it") && lines.contains("  next        now"))
    }

    @Test("doubts come oldest first with their sum, those left to a person and those held back are counted, and a limit is said")
    func doubts() async throws {
        let ledger = MemoryLedger()
        #expect(try await DoubtsReport(ledger, limit: 10, now: Sample.start).lines == ["No recharge is in doubt or held back."])
        for (reference, state) in [("r-1", JobState.inDoubt), ("r-2", .parked), ("r-3", .held), ("r-4", .succeeded)] {
            try await Self.leave(reference, in: state, ledger)
        }
        let lines = try await DoubtsReport(ledger, limit: 10, now: Sample.moment(3_601)).lines
        #expect(lines.count == 5)
        #expect(lines.last == "2 in doubt, 21 rupees, 1 of them left to a person; 1 never sent, held back for a person")
        #expect(Set(lines[1...3].map { String($0.prefix(3)) }) == ["r-1", "r-2", "r-3"])
        #expect(lines.allSatisfy { !$0.contains("4685") })

        let few = try await DoubtsReport(ledger, limit: 1, now: Sample.moment(3_601)).lines
        #expect(few.count == 3)
        #expect(few.last?.hasSuffix("the first 1 of them shown (--limit)") == true)
    }
}
