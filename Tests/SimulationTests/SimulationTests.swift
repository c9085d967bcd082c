import Foundation
import Simulation
import Testing

@Suite("Seeded simulation", .timeLimit(.minutes(15)))
struct SimulationTests {
    /// How many seeds are run. `BOS_TEST_SEEDS` sets another number. The end-to-end tests run 5,000 more in the optimised program, which is
    /// ten times as fast.
    private static let seeds = ProcessInfo.processInfo.environment["BOS_TEST_SEEDS"].flatMap { UInt64($0) } ?? 500

    @Test("every promise is kept, whatever goes wrong and in whatever order")
    func everyPromiseIsKept() async {
        // Two seeds at a time, because each seed runs on one thread.
        await withDiscardingTaskGroup { group in
            for half in 0..<UInt64(2) {
                group.addTask {
                    for seed in stride(from: half, to: Self.seeds, by: 2) {
                        let result = Simulation.run(seed: seed)
                        #expect(result.violations.isEmpty, "bos-simulator simulate --seed \(seed) shows how")
                    }
                }
            }
        }
    }

    @Test("the same seed gives the same trace every time", arguments: [UInt64(1), 77, 4_242])
    func sameSeedGivesSameTrace(seed: UInt64) {
        let first = Simulation.run(seed: seed, keepsTrace: true)
        let second = Simulation.run(seed: seed, keepsTrace: true)
        #expect(!first.trace.isEmpty)
        #expect(first.trace == second.trace)
    }

    @Test("the audit misses a lost paisa at once")
    func auditMissesALostPaisa() {
        let violations = Simulation.run(seed: 0, bug: .paisaLost).violations
        #expect(violations.first?.hasPrefix("accepted: ") == true, "\(violations)")
    }

    @Test("the check for a planted bug finds it within a thousand seeds", arguments: PlantedBug.allCases)
    func plantedBugIsFound(bug: PlantedBug) {
        let found = (0..<UInt64(1_000)).first { seed in
            Simulation.run(seed: seed, bug: bug).violations.contains { $0.contains(bug.symptom) }
        }
        #expect(found != nil, "\(bug.rawValue) was not found")
    }
}

extension PlantedBug {
    /// A part of the text with which the right check reports the bug.
    fileprivate var symptom: String {
        switch self {
        case .ackBeforeCommit: "is known to no ledger"
        case .resendOnTimeout, .intentNotStored, .timeoutIsNotSent: "was executed 2 times"
        case .notFoundBelieved, .destinationIgnored, .ownerNotAsked: "was executed 2 times"
        case .blindEnquiryBelieved: "was executed"
        case .replyBeforeVerdict: "differ"
        case .leaseNeverExpires, .requeuedNeverDue, .clockBackFreezes, .oneRefusalStopsAll: "is still"
        case .confirmNotAwaited, .unroutedConfirmed: "got 0 different final replies"
        case .purchaseUnguarded: "had bought within the window"
        case .neverAcked: "longer than jobs.timeout"
        case .messageForgotten: "got 2 different final replies"
        case .paisaLost: "accepted: "
        case .holdIgnored: "although the operator had held recharges"
        case .identityNotCompared, .foreignAnswerBelieved, .duplicateBelieved, .emptyDataBelieved, .contradictionBelieved,
            .credulousEnquiryBelieved, .namelessAnswerBelieved:
            "and BOS has not executed it"
        case .refusalEchoBelieved, .refusalSettledAtOnce: "was executed, and the ledger has closed it as failed"
        case .panUnknownWordCompleted, .panRefusalIsFinal: "it is not decided"
        case .statusAboutUnfinished: "this ledger has it unfinished"
        case .poisonedReplyStopsAll: "it never comes to rest"
        case .postponedIsRefused: "BOS has not refused it"
        }
    }
}
