import JobModel
import Ledger
import LedgerKit
import Testing

@testable import BOSCtl

@Suite("The report about a job and the list of doubts", .timeLimit(.minutes(1)))
struct JobReportTests {
    /// Stores a recharge in this state. Its history has a line with the subscriber's number in BOS's spelling.
    private static func store(
        _ reference: String, as state: JobState, dueAt: Timestamp? = nil, in ledger: MemoryLedger
    ) async throws {
        let claimed = try #require(
            try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: reference), owner: reference)).record)
        var update = Sample.update(claimed.id, to: state, dueAt: dueAt).by(reference)
        update.entry = HistoryEntry(at: Sample.moment(3), .enquired, detail: "BOS knows nothing of dl 12 cb 4685")
        _ = try await ledger.update(update)
    }

    private static func report(_ reference: String, in ledger: MemoryLedger) async throws -> [String] {
        let (record, history) = try #require(try await ledger.job(.recharge, reference: reference))
        return JobReport(record: record, history: history, now: Sample.moment(3_600)).lines
    }

    @Test("a job in doubt is shown with its cause, its age, its calls, its next step, and a history without the subscriber's number")
    func reportOfDoubt() async throws {
        let ledger = MemoryLedger()
        try await Self.store("r-1", as: .inDoubt, dueAt: Sample.moment(3_840), in: ledger)
        let lines = try await Self.report("r-1", in: ledger)
        #expect(lines[0] == "recharge r-1: in doubt: it may have been executed, BOS is asked")
        let text = lines.joined(separator: "\n")
        for part in [
            "why         no usable answer came", "10.50 rupees to ***685, operator 311", "59 min ago", "2 sent, 3 enquiries",
            "next        in 4 min, at", "BOS takes no more calls for now", "owner       none, it waits in the ledger",
            "BOS said    HTTP 200, response_code 0, \"läuft ? noch\"", "asks BOS             BOS knows nothing of ***685",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(!text.contains("4685"))
    }

    @Test(
        "the line 'next' says which command or event the job waits for",
        arguments: [
            (JobState.parked, "bosctl resolve decides it"), (.held, "bosctl retry --send sends it"), (.sending, "delivered again"),
        ])
    func nextStep(state: JobState, says: String) async throws {
        let ledger = MemoryLedger()
        try await Self.store("r-1", as: state, in: ledger)
        #expect(try await Self.report("r-1", in: ledger).contains { $0.hasPrefix("  next") && $0.contains(says) })
    }

    @Test("the report of a final job has no next step and no owner")
    func reportOfFinalJob() async throws {
        let ledger = MemoryLedger()
        try await Self.store("r-1", as: .succeeded, in: ledger)
        let lines = try await Self.report("r-1", in: ledger)
        #expect(lines[0] == "recharge r-1: succeeded")
        #expect(!lines.contains { $0.hasPrefix("  next") || $0.hasPrefix("  owner") })
        #expect(lines.contains { $0.hasPrefix("  over") })
    }

    @Test("the report names the run that owns the job")
    func reportNamesOwner() async throws {
        let ledger = MemoryLedger()
        _ = try await ledger.claim(Sample.claim(owner: "run\n7"))
        let lines = try await Self.report("r-1", in: ledger)
        #expect(lines.contains("  owner       run?7 works on it") && lines.contains("  next        now"))
    }

    @Test("a run that waits is named with the moment at which it goes on, and why it waits")
    func runThatWaits() async throws {
        let ledger = MemoryLedger()
        let id = try #require(try await ledger.claim(Sample.claim()).record).id
        _ = try await ledger.update(Sample.update(id, to: .accepted, dueAt: Sample.moment(3_605), event: .waiting).keepingOwnership())
        let lines = try await Self.report("r-1", in: ledger)
        #expect(lines.contains("  owner       run-1 works on it"))
        let next = try #require(lines.first { $0.hasPrefix("  next") })
        #expect(next.hasSuffix("at \(Sample.moment(3_605).rfc3339): BOS takes no more calls for now"), "\(next)")
    }

    @Test("replies are counted, and each is said to go to all who ask")
    func repliesAreCounted() async throws {
        let ledger = MemoryLedger()
        let id = try #require(try await ledger.claim(Sample.claim()).record).id
        #expect(try await Self.report("r-1", in: ledger).contains("  replies     none so far"))
        _ = try await ledger.update(Sample.update(id, to: .succeeded, reply: Sample.reply(Sample.job(), state: .succeeded)))
        #expect(try await Self.report("r-1", in: ledger).contains("  replies     1 so far, each to every service that asks"))
    }

    @Test("of a job that the ledger does not know it is said what that means while its message still waits")
    func unknownJob() {
        let text = "\(CommandFailure.unknownJob(reference: "r-1", JobKind.allCases, path: "/l"))"
        #expect(text.hasPrefix("the ledger /l has no recharge, recharge.status, pan.status of the reference r-1: "))
        #expect(text.contains("its message still waits in its queue, the worker has not taken it over, and nothing was sent to BOS so far"))
    }

    @Test("the list of doubts ends with their sum, the number of parked and held recharges, and the limit if it applies")
    func listOfDoubts() async throws {
        let ledger = MemoryLedger()
        #expect(try await DoubtsReport(ledger, limit: 10, now: Sample.start).lines == ["No recharge is in doubt or held."])
        for (reference, state) in [("r-1", JobState.inDoubt), ("r-2", .parked), ("r-3", .held), ("r-4", .succeeded)] {
            try await Self.store(reference, as: state, in: ledger)
        }
        let lines = try await DoubtsReport(ledger, limit: 10, now: Sample.moment(3_601)).lines
        #expect(lines.count == 5)
        #expect(lines.last == "2 in doubt, 21 rupees, 1 of them left to a person; 1 never sent, held for a person")
        #expect(Set(lines[1...3].map { String($0.prefix(3)) }) == ["r-1", "r-2", "r-3"])
        #expect(lines.allSatisfy { !$0.contains("4685") })

        let few = try await DoubtsReport(ledger, limit: 1, now: Sample.moment(3_601)).lines
        #expect(few.count == 3)
        #expect(few.last?.hasSuffix("the first 1 of them shown (--limit)") == true)
    }
}
