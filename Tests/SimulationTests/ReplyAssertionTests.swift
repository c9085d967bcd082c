import JobModel
import Ledger
import Testing

@testable import Simulation

/// These tests run beside `SimulationTests`, which hold all processors for minutes. The limit counts that wait too, so it is the same.
@Suite("A reply's claim is compared with the facts", .timeLimit(.minutes(15)))
struct ReplyAssertionTests {
    private static let start = Timestamp(milliseconds: 1_795_251_600_000)
    private static let recharge = Job.recharge(
        Recharge(operatorID: 311, subscriber: "c", amount: Money(paise: 100), reference: "r1", registerID: "merchant"))
    private static let question = Job.rechargeStatus(RechargeStatusQuery(reference: "r1", registerID: "merchant"))

    /// What is wrong with a reply that is stored 100 seconds after the step before it.
    private static func problem(
        of job: Job, answered outcome: Outcome, code: ReplyErrorCode? = nil, recharge state: JobState? = nil,
        account change: (inout ModelBOS.Account) -> Void = { _ in }
    ) -> String? {
        var account = ModelBOS.Account()
        change(&account)
        let verdict = code.map { Verdict(outcome, evidence: .none, code: $0, detail: "") } ?? Verdict(outcome, evidence: .none)
        var progress = Progress()
        progress.state = state ?? .accepted
        let record = JobRecord(id: 1, job: recharge, fingerprint: [], acceptedAt: start, progress: progress, owner: nil, replyCount: 0)
        return ReplyAssertion(
            reply: Reply(to: job, verdict: verdict, progress: Progress(), acceptedAt: start, at: start), since: 100_000, now: 200_000,
            acceptedAt: state.map { _ in 50_000 }, recharge: state.map { _ in record }, account: account
        ).problem(of: job)
    }

    @Test("a recharge that was sent is neither expired nor refused, and one that BOS has not refused is not refused by BOS")
    func claimsAboutARecharge() {
        for outcome in [Outcome.expired, .refused] {
            #expect(Self.problem(of: Self.recharge, answered: outcome) { $0.taken = 1 } == "it was sent before")
            #expect(Self.problem(of: Self.recharge, answered: outcome) == nil)
        }
        #expect(Self.problem(of: Self.recharge, answered: .failed, code: .refusedByBOS) == "BOS has not refused it")
        #expect(Self.problem(of: Self.recharge, answered: .failed, code: .refusedByBOS) { $0.refusals = 1 } == nil)
        #expect(Self.problem(of: Self.recharge, answered: .failed, code: .refusedByBOS) { $0.hasFailed = true } == nil)
        #expect(Self.problem(of: Self.recharge, answered: .failed, code: .gaveUp) == nil)
        #expect(Self.problem(of: Self.recharge, answered: .notFound) == "that is no answer to a recharge")
    }

    @Test("a recharge that BOS has executed is neither failed nor not found, and one that it has not executed has not succeeded")
    func claimsAboutARechargeStatus() {
        func execute(at elapsed: Int64) -> (inout ModelBOS.Account) -> Void { { ($0.executed, $0.executedAt) = (1, elapsed) } }
        #expect(Self.problem(of: Self.question, answered: .succeeded, recharge: .inDoubt) == "BOS has not executed it")
        #expect(Self.problem(of: Self.question, answered: .succeeded, recharge: .inDoubt, account: execute(at: 60_000)) == nil)
        #expect(Self.problem(of: Self.question, answered: .succeeded) == nil)
        #expect(Self.problem(of: Self.question, answered: .failed, account: execute(at: 60_000)) == "BOS has executed it")
        #expect(Self.problem(of: Self.question, answered: .failed) == nil)
        #expect(
            Self.problem(of: Self.question, answered: .notFound, account: execute(at: 60_000)) == "BOS had executed it before it was asked")
        #expect(Self.problem(of: Self.question, answered: .notFound, account: execute(at: 150_000)) == nil)
        #expect(Self.problem(of: Self.question, answered: .notFound, recharge: .parked) == "this ledger has it unfinished")
        #expect(Self.problem(of: Self.question, answered: .notFound, recharge: .failed) == nil)
    }

    @Test("a PAN application that is not decided has neither succeeded nor failed")
    func claimsAboutAPANApplication() {
        func job(_ reference: String) -> Job { .panStatus(PANStatusQuery(reference: reference)) }
        let endless = (0..<100).map { "p\($0)" }.first { PANDecision($0).isEndless } ?? ""
        let decided = (0..<100).map { "p\($0)" }.first { PANDecision($0).at < 200_000 } ?? ""
        for outcome in [Outcome.succeeded, .failed] {
            #expect(Self.problem(of: job(endless), answered: outcome) == "it is not decided")
            #expect(Self.problem(of: job(decided), answered: outcome) == nil)
        }
        #expect(Self.problem(of: job(endless), answered: .expired) == nil)
    }
}
