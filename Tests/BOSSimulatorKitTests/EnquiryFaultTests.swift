import ExactJSON
import Testing

@testable import BOSSimulatorKit

@Suite("Faults of enquiries", .timeLimit(.minutes(1)))
struct EnquiryFaultTests {
    private typealias Bench = SimulatedBOSTests.Bench

    private func json(_ effect: SimulatedBOS.Effect) -> JSONValue? {
        guard case .reply(let reply) = effect else { return nil }
        return try? JSONValue.parse(reply.body)
    }

    private func data(_ fault: FaultRule) -> JSONValue? {
        var bench = Bench(fault)
        _ = bench.recharge()
        return json(bench.enquire())?["data"]
    }

    @Test("an enquiry's answer may be about another recharge, in all its fields or in one of them")
    func answerAboutAnotherRecharge() {
        let honest = data(FaultRule(.hang, probability: 0))
        #expect(honest?["refid"] == .string("279479") && honest?["amount"] == .string("10.50") && honest?["canumber"] == .string("DL1"))
        let recharge = data(FaultRule(.otherRecharge))
        #expect(recharge?["refid"] == .string("999999"))
        #expect(recharge?["amount"] == .string("50.00"))
        #expect(recharge?["canumber"] == .string("9999900000"))
        #expect(recharge?["status"] == .string("1"))
        for (fault, name, value) in [
            (Fault.otherRefid, "refid", "999999"), (.otherAmount, "amount", "105.00"), (.otherSubscriber, "canumber", "9999900000"),
        ] {
            guard case .object(let members) = data(FaultRule(fault)) else { return #expect(Bool(false)) }
            for member in members {
                #expect(member.value == (member.name == name ? .string(value) : honest?[member.name]))
            }
        }
    }

    @Test("an enquiry's answer may contradict itself, or have empty data or none")
    func contradictionAndEmptyData() {
        var bench = Bench()
        _ = bench.recharge()
        bench.follow(FaultRule(.contradiction, value: 2))
        let contradiction = json(bench.enquire())
        #expect(contradiction?["response_code"] == .number("2"))
        #expect(contradiction?["data"]?["status"] == .string("1"))
        bench.follow(FaultRule(.emptyData))
        #expect(json(bench.enquire())?["data"] == .object([]))
        bench.follow(FaultRule(.emptyList))
        #expect(json(bench.enquire())?["data"] == .array([]))
        #expect(json(bench.enquire("never heard of"))?["data"] == .array([]))
        bench.follow(FaultRule(.noData))
        #expect(json(bench.enquire())?["data"] == nil)
        #expect(json(bench.enquire())?["status"] == .bool(true))
    }

    @Test("a blind simulator executes recharges, and its enquiries find none, whatever the plan")
    func blindSimulator() {
        var bench = Bench(configuration: .init(isBlind: true))
        #expect(bench.recharge() == .reply(.recharged("r1", paise: 1050)))
        bench.now = .seconds(86_400)
        #expect(bench.enquire() == .reply(.notFound))
        #expect(bench.recharge() == .reply(.duplicate))
        #expect(bench.executed() == 1)
    }

    @Test("with the fate neverFound in the plan no enquiry finds the recharge")
    func neverFoundLastsAsLongAsThePlan() {
        var bench = Bench(FaultRule(.neverFound))
        _ = bench.recharge()
        #expect(bench.enquire() == .reply(.notFound))
        bench.follow()
        #expect(bench.enquire() == .reply(.enquirySucceeded("r1", paise: 1050)))
    }

    @Test("a recharge without a record is never found, and a repeat of it is executed again")
    func unrecordedExecution() {
        var bench = Bench(FaultRule(.unrecorded, value: 2))
        #expect(bench.recharge() == .hold(closeAfter: .seconds(2)))
        #expect(bench.enquire() == .reply(.notFound))
        bench.follow()
        #expect(bench.enquire() == .reply(.notFound))
        #expect(bench.recharge() == .reply(.recharged("r1", paise: 1050)))
        #expect(bench.executed() == 2)
        #expect(bench.bos.books(at: .zero).repeats == 1)
        #expect(bench.bos.books(at: .zero).paise == 2100)
    }

    @Test("a reference that was used before is refused with code 11 at its first sending, and enquiries find the other recharge")
    func referenceUsedBefore() {
        var bench = Bench(FaultRule(.usedBefore))
        #expect(bench.recharge() == .reply(.duplicate))
        #expect(bench.executed() == 0)
        let found = json(bench.enquire())?["data"]
        #expect(found?["status"] == .string("1"))
        #expect(found?["canumber"] == .string("9999900000"))
        #expect(found?["amount"] == .string("49.00"))
        #expect(found?["refid"] == .string("279479"))
    }

    @Test("a fault for one RegisterID happens to no other one")
    func faultOfOneMerchant() {
        var bench = Bench(FaultRule(.authentication, registerID: "M2"))
        #expect(bench.recharge("r1", merchant: "M2") == .reply(.authenticationFailed))
        #expect(bench.recharge("r2", merchant: "M1") == .reply(.recharged("r2", paise: 1050)))
        #expect(
            bench.call(.rechargesStatus, body: #"{"registrationID":"M2","referenceid":"r1"}"#) == .reply(.authenticationFailed))
        #expect(bench.enquire("r1") == .reply(.notFound))
    }

    @Test("maintenance and an empty wallet end after their time", arguments: [Fault.maintenance, .emptyWallet])
    func outageEndsAfterItsTime(fault: Fault) {
        var bench = Bench()
        bench.now = .seconds(100)
        bench.follow(FaultRule(fault, value: 30))
        bench.now = .seconds(129)
        #expect(bench.recharge() != .reply(.recharged("r1", paise: 1050)))
        #expect(bench.executed() == 0)
        bench.now = .seconds(130)
        #expect(bench.recharge() == .reply(.recharged("r1", paise: 1050)))
    }

    @Test("an enquiry finds a recharge by the configured names, and by no other")
    func enquiryNames() {
        for (names, byReference, byNumber) in [(EnquiryNames.referenceid, true, false), (.refid, false, true), (.both, true, true)] {
            var bench = Bench(configuration: .init(form: ReplyForm(startedAt: 1000), enquiryNames: names))
            _ = bench.recharge()
            let found = SimulatedBOS.Effect.reply(.enquirySucceeded("r1", paise: 1050))
            #expect(bench.enquire("r1") == (byReference ? found : .reply(.notFound)))
            #expect(bench.enquire("279479") == (byNumber ? found : .reply(.notFound)))
        }
    }

    @Test("each reference has a number of its own, which is the same each time")
    func ownNumbersAreUniqueAndStable() {
        var books = Books()
        let numbers = (0..<20_000).map { books.number("r\($0)") }
        #expect(Set(numbers).count == numbers.count)
        #expect(numbers.allSatisfy { $0.count == 6 })
        #expect(books.number("r77") == numbers[77])
        #expect(books.reference(number: numbers[77]) == "r77")
    }
}
