import JobModel
import Ledger
import Testing

@testable import Simulation

@Suite("What a reply claims is held against what was true", .timeLimit(.minutes(1)))
struct AssertionTests {
    private static let start = Timestamp(milliseconds: 1_795_251_600_000)
    private static let recharge = Job.recharge(
        Recharge(operatorID: 311, subscriber: "c", amount: Money(paise: 100), reference: "r1", registerID: "merchant"))
    private static let question = Job.rechargeStatus(RechargeStatusQuery(reference: "r1", registerID: "merchant"))

    /// What is wrong with a reply that is told 100 seconds after the step before it.
    private static func problem(
        _ job: Job, _ outcome: Outcome, _ code: ReplyErrorCode? = nil, recharge state: JobState? = nil,
        _ change: (inout ModelBOS.Account) -> Void = { _ in }
    ) -> String? {
        var account = ModelBOS.Account()
        change(&account)
        let verdict = code.map { Verdict(outcome, .none, $0, "") } ?? Verdict(outcome, .none)
        var progress = Progress()
        progress.state = state ?? .accepted
        let record = JobRecord(id: 1, job: recharge, fingerprint: [], acceptedAt: start, progress: progress, owner: nil, replyCount: 0)
        return Assertion(
            reply: Reply(to: job, verdict, Progress(), acceptedAt: start, at: start), since: 100_000, now: 200_000,
            acceptedAt: state.map { _ in 50_000 }, recharge: state.map { _ in record }, account: account
        ).problem(of: job)
    }

    @Test("of a recharge: what was sent is neither expired nor refused, and BOS is not said to have refused what it has not")
    func recharge() {
        for outcome in [Outcome.expired, .refused] {
            #expect(Self.problem(Self.recharge, outcome) { $0.taken = 1 } == "it was sent before")
            #expect(Self.problem(Self.recharge, outcome) == nil)
        }
        #expect(Self.problem(Self.recharge, .failed, .refusedByBOS) == "BOS has not refused it")
        #expect(Self.problem(Self.recharge, .failed, .refusedByBOS) { $0.refusals = 1 } == nil)
        #expect(Self.problem(Self.recharge, .failed, .refusedByBOS) { $0.hasFailed = true } == nil)
        #expect(Self.problem(Self.recharge, .failed, .gaveUp) == nil)
        #expect(Self.problem(Self.recharge, .notFound) == "that is no answer to a recharge")
    }

    @Test("of a question: what BOS has executed is neither failed nor not found, and what it has not is not succeeded")
    func question() {
        func execute(at elapsed: Int64) -> (inout ModelBOS.Account) -> Void { { ($0.executed, $0.executedAt) = (1, elapsed) } }
        #expect(Self.problem(Self.question, .succeeded, recharge: .inDoubt) == "BOS has not executed it")
        #expect(Self.problem(Self.question, .succeeded, recharge: .inDoubt, execute(at: 60_000)) == nil)
        #expect(Self.problem(Self.question, .succeeded) == nil)
        #expect(Self.problem(Self.question, .failed, nil, execute(at: 60_000)) == "BOS has executed it")
        #expect(Self.problem(Self.question, .failed) == nil)
        #expect(Self.problem(Self.question, .notFound, nil, execute(at: 60_000)) == "BOS had executed it before it was asked")
        #expect(Self.problem(Self.question, .notFound, nil, execute(at: 150_000)) == nil)
        #expect(Self.problem(Self.question, .notFound, recharge: .parked) == "this ledger has it unfinished")
        #expect(Self.problem(Self.question, .notFound, recharge: .failed) == nil)
    }

    @Test("of an application: what is not decided has no end")
    func application() {
        func job(_ reference: String) -> Job { .panStatus(PANStatusQuery(reference: reference)) }
        let endless = (0..<100).map { "p\($0)" }.first { PANDecision($0).isEndless } ?? ""
        let decided = (0..<100).map { "p\($0)" }.first { PANDecision($0).at < 200_000 } ?? ""
        for outcome in [Outcome.succeeded, .failed] {
            #expect(Self.problem(job(endless), outcome) == "it is not decided")
            #expect(Self.problem(job(decided), outcome) == nil)
        }
        #expect(Self.problem(job(endless), .expired) == nil)
    }
}
