import JobModel
import Testing

@testable import BOSClient

@Suite("Which recharge an enquiry names", .timeLimit(.minutes(1)))
struct NamedRechargeTests {
    private func enquiry(_ members: String) -> Attempt<EnquiryAnswer> {
        let body = #"{"status":true,"responsecode":1,\#(members)}"#
        return AnswerClassifier(configuration: BOSConfiguration()).enquiry(
            ReadAnswer(httpStatus: 200, body: Array(body.utf8)), version: CredentialVersion(1))
    }

    private func answer(_ members: String) throws -> EnquiryAnswer {
        guard case .answered(let answer) = enquiry(members) else { throw NoAnswer() }
        return answer
    }

    private struct NoAnswer: Error {}

    @Test("the recharge is named as BOS sent it, inside data or beside it")
    func namesAreReadAsSent() throws {
        let whole = try answer(#""data":{"status":"1","refid":"r-2","canumber":9876543210,"amount":"50.00"}"#)
        #expect(whole.subject == Subject(reference: "r-2", subscriber: "9876543210", amount: "50.00", hasData: true))
        #expect(whole.subject.hasData)
        #expect(whole.facts.reference == "r-2")
        let beside = try answer(#""refid":7,"amount":10,"data":{"status":"1","refid":"","canumber":null}"#)
        #expect(beside.subject == Subject(reference: "7", amount: "10", hasData: true))
        let none = try answer(#""message":"ok""#)
        #expect(none.subject == Subject())
        #expect(!none.subject.hasData)
        #expect(try answer(#""amount":10,"data":{"status":"1","amount":"10.00"}"#).subject.amount == "10.00")
    }

    @Test("data that is null or an empty string counts as no data", arguments: [#""data":null"#, #""data":"""#])
    func emptyDataIsNoData(member: String) throws {
        #expect(try !answer(member).subject.hasData)
    }

    @Test(
        "names that contradict each other or cannot be read decide nothing",
        arguments: [
            #""refid":"a","data":{"status":"1","refid":"b"}"#, #""data":{"status":"1","refid":true}"#,
            #""data":{"status":"1","amount":{}}"#,
            #""canumber":[],"data":{"status":"1"}"#, #""amount":"10","data":{"status":"1","amount":"10.01"}"#,
        ])
    func unreadableNamesDecideNothing(members: String) {
        #expect(enquiry(members).outcome == "unknown.unreadable")
    }

    @Test("an operator id of zeros counts as missing")
    func zeroOperatorIDIsMissing() throws {
        #expect(try answer(#""data":{"status":"1","operatorid":"0"}"#).facts.operatorID == nil)
        #expect(try answer(#""operatorid":0,"data":{"status":"1","operatorid":"77"}"#).facts.operatorID == "77")
    }

    @Test("a description shows no subscriber's number")
    func descriptionHidesSubscriber() {
        let named = Subject(reference: "r", subscriber: "9876543210", amount: "10")
        var dumped = ""
        dump(named, to: &dumped)
        #expect(!"\(named)\(dumped)".contains("9876543210"))
        #expect("\(named)" == "named by refid, canumber, amount")
    }
}
