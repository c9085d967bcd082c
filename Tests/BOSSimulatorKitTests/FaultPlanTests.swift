import Foundation
import JobModel
import Testing

@testable import BOSSimulatorKit

@Suite("The fault plan", .timeLimit(.minutes(1)))
struct FaultPlanTests {
    @Test(
        "a fault is read from the command line's form",
        arguments: [
            ("hang=0.5", FaultRule(.hang, probability: 0.5)),
            ("DoRecharge/late:5=0.1", FaultRule(.late, probability: 0.1, endpoint: .doRecharge, value: 5)),
            ("refuse:9=1", FaultRule(.refuse, value: 9)), ("Status/panPending:2=1", FaultRule(.panPending, endpoint: .status, value: 2)),
            ("DoRecharge/authentication@M2=1", FaultRule(.authentication, endpoint: .doRecharge, registerID: "M2")),
            ("accepted:2@M@2=1", FaultRule(.accepted, value: 2, registerID: "M@2")),
        ])
    func readsFaultFromCommandLine(text: String, rule: FaultRule) throws {
        #expect(try FaultRule(parsing: text) == rule)
    }

    @Test(
        "a fault that does not exist or has impossible values is refused",
        arguments: [
            "hang", "hang=x", "hangs=1", "Nowhere/hang=1", "late:x=1", "hang=1.5", "hang=-1", "late:-1=1", "hang=nan", "late:nan=1", "=1",
            "", "Status/late=1", "DoRecharge/emptyData=1", "panWords:7=1", "panWords:0=1", "hang@=1", "panPending@M2=1",
        ])
    func refusesImpossibleFault(text: String) {
        #expect(throws: FaultPlanError.self) { try FaultRule(parsing: text) }
    }

    @Test("a plan reads the JSON that it writes")
    func readsThePlanThatItWrites() throws {
        let plan = FaultPlan(
            seed: 7, latency: try Latency(parsing: "5ms-50ms"),
            faults: [FaultRule(.late, probability: 0.25, endpoint: .doRecharge, value: 5), FaultRule(.hang, probability: 0.5)])
        #expect(try FaultPlan(json: plan.json) == plan)
        #expect(try FaultPlan(json: Array("{}".utf8)) == FaultPlan())
    }

    @Test(
        "a plan with an unknown name, a probability above 1, or probabilities that add up to more than 1 is refused",
        arguments: [
            "", "[]", #"{"faults":[{"fault":"hangs","probability":1}]}"#, #"{"faults":[{"fault":"hang","probability":2}]}"#,
            #"{"faults":[{"fault":"hang","probability":0.6},{"fault":"garbage","probability":0.6}]}"#, #"{"latency":"slow"}"#,
        ])
    func refusesImpossiblePlan(json: String) {
        #expect(throws: FaultPlanError.self) { try FaultPlan(json: Array(json.utf8)) }
    }

    @Test("the probabilities of faults for different RegisterIDs are not added up")
    func addsUpEachMerchantSeparately() throws {
        let faults = [FaultRule(.hang, registerID: "A"), FaultRule(.garbage, registerID: "B")]
        #expect(try FaultPlan(json: FaultPlan(faults: faults).json).faults == faults)
        #expect(throws: FaultPlanError.self) { try FaultPlan(faults: faults + [FaultRule(.signature, probability: 0.1)]).check() }
    }

    @Test("the table of faults in Tests/README.md is the program's own")
    func documentHasTheTableOfFaults() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "Tests/README.md"), encoding: .utf8)
        let isThere = text.contains("\n\(Fault.table)\n")
        #expect(isThere, "put this into Tests/README.md:\n\(Fault.table)")
    }

    @Test("the help names every fault once")
    func helpNamesEveryFaultOnce() {
        let lines = (Fault.help(ofFates: false) + "\n" + Fault.help(ofFates: true)).split(separator: "\n")
        let names = lines.map { String($0.prefix { $0.isLetter }) }
        #expect(names == Fault.allCases.map(\.rawValue))
    }

    @Test("a latency is read and drawn within its limits, and one that cannot be read is refused")
    func latencies() throws {
        var generator = SeededGenerator(seed: 1, purpose: "test", reference: "", number: 0)
        let uniform = try Latency(parsing: "5ms-50ms")
        let draws = (0..<1000).map { _ in uniform.draw(from: &generator) }
        #expect(draws.allSatisfy { $0 >= .milliseconds(5) && $0 <= .milliseconds(50) })
        #expect(Set(draws).count > 900)
        #expect(try Latency(parsing: "5ms").draw(from: &generator) == .milliseconds(5))
        #expect(try Latency(parsing: "0ms") == .none)
        let tail = try Latency(parsing: "lognormal:20ms,0.5")
        let longer = (0..<1000).count { _ in tail.draw(from: &generator) > .milliseconds(20) }
        #expect((400...600).contains(longer))
        for text in ["", "5", "50ms-5ms", "lognormal:20ms", "5ms-", "9h"] {
            #expect(throws: FaultPlanError.self) { try Latency(parsing: text) }
        }
    }
}
