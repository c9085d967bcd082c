import JobModel
import LedgerKit
import Testing

@testable import BOSCtl

@Suite("Choosing the doubts that one decision resolves", .timeLimit(.minutes(1)))
struct BatchResolutionTests {
    private static func choice(
        olderThan: Duration = .seconds(60), at second: Int64 = 122, isSentAgain: Bool = false, change: (inout Progress) -> Void
    ) -> BatchResolution.Choice {
        var policy = RetryPolicy()
        policy.destination = "a"
        var progress = Sample.progress(.parked)
        (progress.doubt, progress.sentTo, progress.notFoundAnswers, progress.settleWindow) = (.unanswered, "a", 3, nil)
        change(&progress)
        return BatchResolution.choice(
            progress, olderThan: olderThan, isSentAgain: isSentAgain, policy: policy, at: Sample.moment(second))
    }

    @Test("a doubt that BOS has accepted or known before is left out, every other cause is included", arguments: DoubtCause.allCases)
    func causesOfIncludedDoubts(cause: DoubtCause) {
        let isKnown = cause == .acceptedByBOS || cause == .duplicate
        #expect(Self.choice { $0.doubt = cause } == (isKnown ? .knownToBOS : .included))
    }

    @Test("a recharge is left out if it is too young, not found too seldom or too briefly, sent elsewhere, or not in doubt")
    func leftOutDoubts() {
        #expect(Self.choice { _ in } == .included)
        #expect(Self.choice { $0.notFoundAnswers = 2 } == .leftOut)
        #expect(Self.choice(at: 121) { _ in } == .leftOut)
        #expect(Self.choice { $0.settleWindow = .seconds(121) } == .leftOut)
        #expect(Self.choice { $0.firstNotFound = nil } == .leftOut)
        #expect(Self.choice(olderThan: .seconds(121)) { _ in } == .leftOut)
        #expect(Self.choice(olderThan: .seconds(121)) { $0.doubt = .duplicate } == .leftOut)
        #expect(Self.choice { $0.firstSentAt = nil } == .leftOut)
        #expect(Self.choice { $0.sentTo = "b" } == .leftOut)
        // Where it was sent is unknown: an operator may resolve it, but it is not sent again, because this API may be another one.
        #expect(Self.choice { $0.sentTo = nil } == .included)
        #expect(Self.choice(isSentAgain: true) { $0.sentTo = nil } == .leftOut)
        #expect(Self.choice(isSentAgain: true) { _ in } == .included)
        #expect(Self.choice { $0.doubt = nil } == .leftOut)
    }
}
