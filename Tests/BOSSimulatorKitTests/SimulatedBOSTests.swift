import ExactJSON
import Testing

@testable import BOSSimulatorKit

@Suite("The simulated BOS as a value", .timeLimit(.minutes(1)))
struct SimulatedBOSTests {
    /// A simulated BOS whose time changes only when a test changes it.
    struct Bench {
        var bos: SimulatedBOS
        var now: Duration = .zero

        init(
            _ faults: FaultRule..., seed: UInt64 = 1, isTokenRequired: Bool = false,
            configuration: SimulatedBOS.Configuration = .init(form: ReplyForm(startedAt: 1000))
        ) {
            bos = SimulatedBOS(
                plan: FaultPlan(seed: seed, faults: faults),
                tokens: TokenIssuer(
                    isTokenRequired: isTokenRequired, lifetime: .seconds(600), fixedToken: nil, clientSecret: "secret", startedAt: 1000),
                configuration: configuration)
        }

        mutating func follow(_ faults: FaultRule...) { bos.follow(FaultPlan(faults: faults), at: now) }

        mutating func call(_ endpoint: BOSEndpoint, body: String, token: String? = nil) -> SimulatedBOS.Effect {
            let caller = Caller(token: token, clientID: "id", clientSecret: "secret")
            return bos.answer(endpoint, body: Array(body.utf8), caller: caller, at: now).0
        }

        mutating func recharge(_ reference: String = "r1", amount: String = "10.50", merchant: String = "1") -> SimulatedBOS.Effect {
            call(
                .doRecharge,
                body: #"{"operator":311,"canumber":"DL1","amount":\#(amount),"referenceid":"\#(reference)","RegisterID":"\#(merchant)"}"#)
        }

        mutating func enquire(_ reference: String = "r1") -> SimulatedBOS.Effect {
            call(.rechargesStatus, body: #"{"registrationID":"1","referenceid":"\#(reference)"}"#)
        }

        mutating func check(_ application: String = "a1") -> SimulatedBOS.Effect { call(.status, body: #"{"refid":"\#(application)"}"#) }

        mutating func executed(_ reference: String = "r1") -> Int { bos.books(at: now).entries[reference]?.executed ?? 0 }
    }

    @Test("a recharge is executed once, and a second one with its reference is refused with code 11")
    func duplicateIsRefused() {
        var bench = Bench()
        #expect(bench.recharge() == .reply(.recharged("r1", paise: 1050)))
        #expect(bench.recharge() == .reply(.duplicate))
        let books = bench.bos.books(at: .zero)
        #expect(books.executed == 1)
        #expect(books.repeats == 1)
        #expect(books.paise == 1050)
        #expect(books.entries["r1"]?.called == 2)
    }

    @Test("the books count a repeat, whatever the answer to it is", arguments: [Fault.serverError, .refuse, .resetBefore])
    func booksCountRepeats(fault: Fault) {
        var bench = Bench()
        #expect(bench.recharge() == .reply(.recharged("r1", paise: 1050)))
        #expect(bench.bos.books(at: .zero).repeats == 0)
        bench.follow(FaultRule(fault))
        _ = bench.recharge()
        #expect(bench.bos.books(at: .zero).repeats == 1)
    }

    @Test("the books add up the paise of all recharges exactly")
    func booksAddUpPaise() {
        var bench = Bench()
        for (index, amount) in ["0.01", "0.1", "\"10\"", "999999999.99"].enumerated() { _ = bench.recharge("r\(index)", amount: amount) }
        #expect(bench.bos.books(at: .zero).paise == 1 + 10 + 1000 + 99_999_999_999)
        #expect(bench.bos.books(at: .zero).totals["executedReferences"] == .number("4"))
        #expect(bench.bos.books(at: .zero).references["r2"]?["paise"] == .number("1000"))
    }

    @Test(
        "a request without a field or with an impossible amount is refused and not executed",
        arguments: [
            "", "[]", #"{"operator":1,"canumber":"1","amount":1}"#, #"{"operator":1,"canumber":"1","amount":0,"referenceid":"r1"}"#,
            #"{"operator":1,"canumber":"1","amount":1.001,"referenceid":"r1"}"#,
            #"{"operator":1,"canumber":"1","amount":-1,"referenceid":"r1"}"#,
            #"{"operator":1,"canumber":"","amount":1,"referenceid":"r1"}"#,
        ])
    func invalidRequestIsRefused(body: String) {
        var bench = Bench()
        #expect(bench.call(.doRecharge, body: body) == .reply(.invalidRequest))
        #expect(bench.bos.books(at: .zero).executed == 0)
    }

    @Test(
        "a fault before the execution has its answer, and nothing is executed",
        arguments: [
            (FaultRule(.refuse, value: 9), SimulatedBOS.Effect.reply(.refused(code: 9))),
            (FaultRule(.authentication), .reply(.authenticationFailed)),
            (FaultRule(.signature), .reply(.signatureRefused)), (FaultRule(.tooMany, value: 4), .reply(.tooMany(retryAfter: 4))),
            (FaultRule(.serverError), .reply(.serverError)), (FaultRule(.resetBefore), .reset), (FaultRule(.hang), .hold(closeAfter: nil)),
        ])
    func faultBeforeExecution(rule: FaultRule, effect: SimulatedBOS.Effect) {
        var bench = Bench(rule)
        #expect(bench.recharge() == effect)
        #expect(bench.executed() == 0)
    }

    @Test(
        "a fault after the execution has its answer, and the recharge is executed",
        arguments: [
            (FaultRule(.garbage), SimulatedBOS.Effect.reply(.garbage)), (FaultRule(.resetAfter), .reset),
            (FaultRule(.answerLost, value: 2), .hold(closeAfter: .seconds(2))), (FaultRule(.answerLost), .hold(closeAfter: nil)),
        ])
    func faultAfterExecution(rule: FaultRule, effect: SimulatedBOS.Effect) {
        var bench = Bench(rule)
        #expect(bench.recharge() == effect)
        #expect(bench.executed() == 1)
    }

    @Test("a late recharge is executed after its time, unless its reference was executed before")
    func lateExecution() {
        var bench = Bench(FaultRule(.late, value: 5))
        #expect(bench.recharge("r1") == .hold(closeAfter: nil))
        #expect(bench.recharge("r2") == .hold(closeAfter: nil))
        bench.now = .seconds(4.9)
        #expect(bench.executed("r1") == 0)
        #expect(bench.enquire("r1") == .reply(.notFound))
        bench.follow()
        #expect(bench.recharge("r2") == .reply(.recharged("r2", paise: 1050)))
        bench.now = .seconds(5)
        #expect(bench.executed("r1") == 1)
        #expect(bench.enquire("r1") == .reply(.enquirySucceeded("r1", paise: 1050, at: .seconds(5))))
        #expect(bench.executed("r2") == 1)
        #expect(bench.bos.books(at: bench.now).repeats == 1)
    }

    @Test("an enquiry is right about executed, refused and unknown recharges")
    func enquiryIsRight() {
        var bench = Bench(FaultRule(.refuse, endpoint: .doRecharge))
        #expect(bench.enquire() == .reply(.notFound))
        _ = bench.recharge()
        #expect(bench.enquire() == .reply(.enquiryFailed("r1", paise: 1050)))
        bench.follow()
        _ = bench.recharge()
        #expect(bench.enquire() == .reply(.enquirySucceeded("r1", paise: 1050)))
    }

    @Test("a blind enquiry does not find the recharge until its time is over")
    func blindEnquiryEndsAfterItsTime() {
        var bench = Bench(FaultRule(.blindEnquiry, value: 3))
        _ = bench.recharge()
        bench.now = .seconds(2.9)
        #expect(bench.enquire() == .reply(.notFound))
        bench.now = .seconds(3)
        #expect(bench.enquire() == .reply(.enquirySucceeded("r1", paise: 1050)))
    }

    @Test("a pending recharge is answered with code 2, and has succeeded after its time")
    func pendingThenSucceeded() {
        var bench = Bench(FaultRule(.pendingThenDone, value: 3))
        #expect(bench.recharge() == .reply(.pending("r1", paise: 1050)))
        #expect(bench.enquire() == .reply(.enquiryPending("r1", paise: 1050)))
        bench.now = .seconds(3)
        #expect(bench.enquire() == .reply(.enquirySucceeded("r1", paise: 1050)))
    }

    @Test("a PAN application is pending for its number of checks, and then completed or rejected")
    func panApplicationEndsAfterItsChecks() {
        var done = Bench(FaultRule(.panPending, value: 2))
        #expect([done.check(), done.check(), done.check()] == [.reply(.panPending), .reply(.panPending), .reply(.panCompleted)])
        var rejected = Bench(FaultRule(.panPending, value: 1), FaultRule(.panRejected))
        #expect([rejected.check(), rejected.check()] == [.reply(.panPending), .reply(.panRejected)])
    }

    @Test("a fault for one endpoint does not happen at the others")
    func faultOfOneEndpoint() {
        var bench = Bench(FaultRule(.serverError, endpoint: .rechargesStatus))
        #expect(bench.recharge() == .reply(.recharged("r1", paise: 1050)))
        #expect(bench.enquire() == .reply(.serverError))
        #expect(bench.check() == .reply(.panCompleted))
    }

    @Test("where tokens are required, a call needs one that was issued and has not expired")
    func requiredTokens() {
        var bench = Bench(isTokenRequired: true)
        #expect(bench.check() == .reply(.authenticationFailed))
        let (token, expires) = bench.bos.tokens.issue(at: .zero)
        #expect(expires == 1600)
        #expect(bench.call(.status, body: #"{"refid":"a1"}"#, token: token) == .reply(.panCompleted))
        bench.now = .seconds(600)
        #expect(bench.call(.status, body: #"{"refid":"a1"}"#, token: token) == .reply(.authenticationFailed))
        let stranger = Caller(token: nil, clientID: "id", clientSecret: "wrong")
        #expect(bench.bos.answer(.authorise, body: [], caller: stranger, at: .zero).0 == .reply(.authorisationRefused))
    }

    @Test("the same seed gives the same calls the same faults, in whatever order they come")
    func sameSeedGivesSameFaults() {
        func effects(seed: UInt64, backwards: Bool) -> [String: SimulatedBOS.Effect] {
            var bench = Bench(FaultRule(.hang, probability: 0.3), FaultRule(.serverError, probability: 0.3), seed: seed)
            let references = (0..<200).map { "r\($0)" }
            let order = backwards ? references.reversed() : references
            return Dictionary(uniqueKeysWithValues: order.map { ($0, bench.recharge($0)) })
        }
        let first = effects(seed: 7, backwards: false)
        #expect(first == effects(seed: 7, backwards: true))
        #expect(first != effects(seed: 8, backwards: false))
        // The expected number is 60 of 200; the limits are more than four standard deviations away.
        #expect((30...90).contains(first.values.count { $0 == .reply(.serverError) }))
    }

    @Test("a reset forgets references and tokens, and keeps the plan")
    func resetKeepsThePlan() {
        var bench = Bench(FaultRule(.blindEnquiry))
        _ = bench.recharge()
        let (token, _) = bench.bos.tokens.issue(at: .zero)
        bench.bos.reset()
        #expect(bench.bos.books(at: .zero).executed == 0)
        #expect(bench.bos.books(at: .zero).entries.isEmpty)
        #expect(bench.bos.plan.faults.count == 1)
        #expect(
            TokenIssuer(isTokenRequired: true, lifetime: .zero, fixedToken: nil, clientSecret: nil, startedAt: 0).accepts(token, at: .zero)
                == false)
    }
}

/// The expected answers to the requests of ``SimulatedBOSTests/Bench``, in the default shape.
extension SimulatorReply {
    private static let form = ReplyForm(startedAt: 1000)

    private static func record(_ reference: String, paise: Int64, at time: Duration = .zero) -> RechargeRecord {
        RechargeRecord(
            reference: reference, number: RechargeRecord.ownNumber(of: reference, attempt: 0), operatorID: "311", subscriber: "DL1",
            paise: paise,
            executedAt: time)
    }

    static var duplicate: SimulatorReply { form.duplicate }
    static var notFound: SimulatorReply { form.notFound }
    static func recharged(_ reference: String, paise: Int64) -> SimulatorReply { form.recharged(record(reference, paise: paise)) }
    static func pending(_ reference: String, paise: Int64) -> SimulatorReply { form.pending(record(reference, paise: paise)) }

    static func enquirySucceeded(_ reference: String, paise: Int64, at time: Duration = .zero) -> SimulatorReply {
        form.found(record(reference, paise: paise, at: time), as: .succeeded)
    }

    static func enquiryPending(_ reference: String, paise: Int64) -> SimulatorReply {
        form.found(record(reference, paise: paise), as: .pending)
    }
    static func enquiryFailed(_ reference: String, paise: Int64) -> SimulatorReply {
        form.found(record(reference, paise: paise), as: .failed)
    }
}
