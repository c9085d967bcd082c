import JobModel
import Testing

@testable import BOSClient

@Suite("What an answer means", .timeLimit(.minutes(1)))
struct AnswerClassifierTests {
    private let classifier = AnswerClassifier(configuration: BOSConfiguration())
    private let version = CredentialVersion(1)

    private func read(_ status: Int, body: String, retryAfter: Duration? = nil) -> ReadAnswer {
        ReadAnswer(httpStatus: status, retryAfter: retryAfter, body: Array(body.utf8))
    }

    @Test(
        "an answer to a recharge has the meaning of its row",
        arguments: [
            // The provider's samples.
            (200, #"{"status":true,"response_code":1,"operatorid":1,"ackno":"2","message":"ok"}"#, "done"),
            (200, #"{"status":false,"response_code":11,"message":"Duplicate Transaction"}"#, "duplicateReference"),
            (401, #"{"status":false,"response_code":11,"message":"Duplicate Transaction"}"#, "duplicateReference"),
            (401, #"{"status":false,"response_code":16,"message":"Authentication failed"}"#, "credentialsRefused(16)"),
            (412, #"{"status":false,"response_code":15,"message":"Invalid signature encoding"}"#, "credentialsRefused(15)"),
            (200, #"{"status":false,"response_code":16}"#, "credentialsRefused(16)"),
            (200, #"{"status":true,"response_code":0}"#, "accepted"), (200, #"{"status":true,"response_code":2}"#, "accepted"),
            (200, #"{"status":false,"response_code":2}"#, "accepted"), (200, #"{"response_code":0}"#, "accepted"),
            (200, #"{"status":false,"response_code":7}"#, "refused(code: Optional(7), isFinal: false)"),
            (401, #"{"status":false,"response_code":7}"#, "refused(code: Optional(7), isFinal: false)"),
            (200, #"{"status":false,"message":"no"}"#, "refused(code: nil, isFinal: false)"),
            // All accepted spellings.
            (200, #"{"status":"true","responsecode":"1"}"#, "done"), (200, #"{"status":"Success","response_code":1}"#, "done"),
            (200, #"{"status":1,"response_code":"01"}"#, "done"), (200, #"{"status":" true ","response_code":" 1 "}"#, "done"),
            (201, #"{"status":true,"response_code":1,"responsecode":1}"#, "done"), (200, #"{"status":true,"response_code":1.0}"#, "done"),
            (200, #"{"status":true,"response_code":1,"Status":"Pending","ResponseCode":7}"#, "done"),
            (200, "\u{FEFF}" + #"{"status":true,"response_code":1}"#, "done"),
            (200, #"<b>Notice</b>: x in /a.php on line 3<br />\n{"status":true,"response_code":1}"#, "done"),
            (200, "{\"status\":true,\"response_code\":1,\"message\":\"a\u{1}\nb\"}", "done"),
            // Names are case-sensitive.
            (200, #"{"Status":"1","Response_Code":1}"#, "unknown.contradictory"),
            (200, #"{"status":"SUCCESS","responseCode":1}"#, "unknown.contradictory"),
            (200, #"{"status":"Failed","response_code":"7"}"#, "refused(code: Optional(7), isFinal: false)"),
            (200, #"{"status":0,"responsecode":7}"#, "refused(code: Optional(7), isFinal: false)"),
            (200, #"{"status":"false","response_code":7,"data":null}"#, "refused(code: Optional(7), isFinal: false)"),
            // Neither a success nor a refusal.
            (200, #"{"status":true}"#, "unknown.contradictory"), (200, #"{"status":true,"response_code":7}"#, "unknown.contradictory"),
            (200, #"{"status":false,"response_code":1}"#, "unknown.contradictory"), (200, #"{"response_code":1}"#, "unknown.contradictory"),
            (200, #"{"response_code":7}"#, "unknown.contradictory"), (200, "{}", "unknown.contradictory"),
            (401, #"{"status":true,"response_code":1}"#, "unknown.contradictory"),
            (200, #"{"message":"Unauthorized"}"#, "unknown.contradictory"),
            (200, #"{"status":true,"response_code":1,"message":"Recharge failed"}"#, "unknown.contradictory"),
            (200, #"{"status":true,"response_code":1,"message":"Transaction failed"}"#, "unknown.contradictory"),
            (200, #"{"status":true,"response_code":1,"message":"FAILURE at operator"}"#, "unknown.contradictory"),
            (200, #"{"status":true,"response_code":1,"message":"Recharge was not successful"}"#, "unknown.contradictory"),
            (200, #"{"status":true,"response_code":1,"message":"Amount refunded, request pending"}"#, "unknown.contradictory"),
            (200, #"{"status":true,"response_code":1,"message":"Recharge of 10 is successful, unfailing"}"#, "done"),
            (200, #"{"status":true,"response_code":16}"#, "unknown.contradictory"),
            // Unreadable.
            (200, "", "unknown.unreadable"), (204, "", "unknown.unreadable"), (200, "<html>", "unknown.unreadable"),
            (200, "[]", "unknown.unreadable"), (200, #"{"status":true,"response_code":1"#, "unknown.unreadable"),
            (200, #"{"status":"maybe","response_code":1}"#, "unknown.unreadable"),
            (200, #"{"status":2,"response_code":1}"#, "unknown.unreadable"),
            (200, #"{"status":{},"response_code":1}"#, "unknown.unreadable"),
            (200, #"{"status":true,"response_code":"one"}"#, "unknown.unreadable"),
            (200, #"{"status":true,"response_code":1.5}"#, "unknown.unreadable"),
            (200, #"{"status":true,"response_code":1}{"status":false,"response_code":7}"#, "unknown.unreadable"),
            (200, #"{"status":false,"data":{"status":true,"response_code":1}"#, "unknown.unreadable"),
            (200, #"{"status":true,"response_code":1,"responsecode":7}"#, "unknown.unreadable"),
            (200, #"{"status":false,"status":true,"response_code":1}"#, "unknown.unreadable"),
            // The HTTP status alone.
            (500, #"{"status":true,"response_code":1}"#, "unknown.server_error"), (503, "", "unknown.server_error"),
            (500, #"{"status":false,"response_code":16}"#, "unknown.server_error"), (302, "", "unknown.unexpected_status"),
            (304, #"{"status":false,"response_code":7}"#, "unknown.unexpected_status"), (404, "<html>", "unknown.unreadable"),
            (429, "", "throttled(3.0 seconds)"), (429, #"{"status":false,"response_code":7}"#, "throttled(3.0 seconds)"),
            (429, #"{"status":true,"response_code":1}"#, "unknown.contradictory"), (429, #"{"response_code":11}"#, "duplicateReference"),
            (429, #"{"status":true,"response_code":1"#, "unknown.unreadable"),
        ])
    func rechargeAnswer(status: Int, body: String, outcome: String) {
        let attempt = classifier.recharge(read(status, body: body, retryAfter: .seconds(3)), version: version)
        #expect(attempt.outcome == outcome)
    }

    @Test(
        "an answer to an enquiry has the verdict of its row",
        arguments: [
            (200, #"{"status":true,"responsecode":1,"message":"ok"}"#, "succeeded"), (200, #"{"status":true,"responsecode":2}"#, "pending"),
            (200, #"{"status":false,"responsecode":0}"#, "pending"),
            (200, #"{"status":false,"responsecode":7}"#, "declined"),
            (401, #"{"status":false,"response_code":17,"message":"RegistrationID is required"}"#, "declined"),
            (401, #"{"status":false,"response_code":7,"message":"Recharge failed"}"#, "failed(refunded: false)"),
            (200, #"{"status":false,"responsecode":7,"message":"Status check failed"}"#, "declined"),
            (200, #"{"status":false,"message":"No record found","data":{"status":""}}"#, "notFound"),
            (200, #"{"status":true,"data":{"status":"1","txn_id":"1","txnid":"2"}}"#, "succeeded"),
            (200, #"{"status":false,"responsecode":7,"data":{"refunded":"1"}}"#, "unknown.contradictory"),
            (200, #"{"status":false,"responsecode":7,"data":{"refunded":"0"}}"#, "unknown.contradictory"),
            (401, #"{"status":false,"response_code":3,"message":"No Such Transaction"}"#, "notFound"),
            (200, #"{"status":"Failed","message":"no record found"}"#, "notFound"),
            (200, #"{"status":true,"data":{"status":"1"}}"#, "succeeded"),
            (200, #"{"status":true,"data":{"status":"Success"}}"#, "succeeded"),
            (200, #"{"status":true,"data":{"status":"0"}}"#, "failed(refunded: false)"),
            (200, #"{"status":true,"data":{"status":0,"refunded":"1"}}"#, "failed(refunded: true)"),
            (200, #"{"status":true,"data":{"status":"1","refunded":true}}"#, "failed(refunded: true)"),
            (200, #"{"status":true,"data":{"status":"Refunded"}}"#, "failed(refunded: true)"),
            (200, #"{"status":true,"data":{"status":"2","refunded":"0"}}"#, "pending"),
            (200, #"{"status":true,"data":[{"status":"pending"}]}"#, "pending"),
            // Data that is there and says nothing decides nothing.
            (200, #"{"status":true,"responsecode":1,"data":{}}"#, "unknown.contradictory"),
            (200, #"{"status":true,"responsecode":1,"data":[]}"#, "unknown.contradictory"),
            (200, #"{"status":true,"responsecode":1,"data":{"status":null}}"#, "unknown.contradictory"),
            (200, #"{"status":true,"responsecode":1,"data":"none"}"#, "unknown.contradictory"),
            (200, #"{"status":true,"responsecode":1,"data":""}"#, "succeeded"),
            (200, #"{"status":true,"responsecode":1,"data":null}"#, "succeeded"),
            (200, #"{"status":false,"message":"No record found","data":[]}"#, "notFound"),
            (200, #"{"status":false,"message":"No record found","data":{"txnid":"7"}}"#, "unknown.contradictory"),
            // A code for "not finished" beside a status of the recharge.
            (200, #"{"status":true,"responsecode":0,"data":{"status":"0"}}"#, "pending"),
            (200, #"{"status":true,"responsecode":2,"data":{"status":"1"}}"#, "pending"),
            (200, #"{"status":true,"responsecode":2,"data":{"status":"1","refunded":"1"}}"#, "unknown.contradictory"),
            (200, #"{"status":false,"responsecode":0,"message":"No record found"}"#, "unknown.contradictory"),
            // The outer status and code are about the enquiry itself.
            (200, #"{"status":false,"responsecode":7,"data":{"status":"0"}}"#, "unknown.contradictory"),
            (200, #"{"status":true,"responsecode":7,"data":{"status":"0"}}"#, "unknown.contradictory"),
            (401, #"{"status":true,"responsecode":1,"data":{"status":"1"}}"#, "unknown.contradictory"),
            (401, #"{"status":true,"responsecode":1}"#, "unknown.contradictory"),
            // A status may be an integer.
            (200, #"{"status":true,"responsecode":1,"data":{"status":1}}"#, "succeeded"),
            (200, #"{"status":true,"responsecode":1,"data":{"status":2}}"#, "pending"),
            (200, #"{"status":true,"responsecode":1,"data":{"status":3}}"#, "unknown.contradictory"),
            // Words and numbers that disagree.
            (200, #"{"status":true,"responsecode":1,"message":"Recharge failed"}"#, "unknown.contradictory"),
            (200, #"{"status":true,"responsecode":1,"data":{"status":"1","message":"Recharge failed"}}"#, "unknown.contradictory"),
            (200, #"{"status":true,"responsecode":1,"message":"Transaction failed"}"#, "unknown.contradictory"),
            (200, #"{"status":true,"responsecode":1,"message":"Transaction failed, refund pending"}"#, "unknown.contradictory"),
            (200, #"{"status":true,"responsecode":1,"data":{"status":"1","message":"Transaction failed"}}"#, "unknown.contradictory"),
            (200, #"{"status":true,"responsecode":1,"message":"Transaction failed","data":{"status":"0"}}"#, "failed(refunded: false)"),
            (200, #"{"status":true,"responsecode":1,"data":{"status":"0"},"message":"No record found"}"#, "unknown.contradictory"),
            (200, #"{"status":false,"responsecode":12,"message":"Recharge failed"}"#, "declined"),
            (200, #"{"status":true,"responsecode":1,"message":"Service temporarily unavailable"}"#, "unknown.contradictory"),
            (200, #"{"status":true,"data":{"status":"1","message":"Service temporarily unavailable"}}"#, "unknown.contradictory"),
            (200, #"{"status":true,"data":{"status":"0","message":"Recharge successful"}}"#, "unknown.contradictory"),
            (200, #"{"status":true,"message":"Success","data":{"status":"0","message":"Failed"}}"#, "failed(refunded: false)"),
            (200, #"{"status":true,"data":{"status":"0","message":"Refund successful"}}"#, "failed(refunded: false)"),
            (200, #"{"status":true,"responsecode":12}"#, "unknown.contradictory"),
            (200, #"{"status":false,"responsecode":7,"message":"Service down for sometime"}"#, "postponed"),
            (200, #"{"status":false,"message":"No record found, service down"}"#, "postponed"),
            (200, #"{"status":true,"data":{"status":"strange"}}"#, "unknown.contradictory"),
            (200, #"{"status":true,"responsecode":1,"data":{"status":false}}"#, "unknown.contradictory"),
            (200, #"{"status":true,"responsecode":1,"data":{"status":""}}"#, "unknown.contradictory"),
            (200, #"{"status":true,"responsecode":1,"data":{"status":{}}}"#, "unknown.contradictory"),
            (200, #"{"status":true,"responsecode":1,"data":{"Status":"0"}}"#, "unknown.contradictory"),
            (200, #"{"status":true,"responsecode":1,"data":{"status":"1","Status":"0"}}"#, "succeeded"),
            (200, #"{"status":true,"responsecode":1,"data":{"status":null,"txnid":"7"}}"#, "unknown.contradictory"),
            (200, #"{"status":true,"responsecode":1,"data":{"refunded":"1"}}"#, "unknown.contradictory"),
            (200, #"{"status":true,"data":{"status":"1","refunded":"Y"}}"#, "unknown.contradictory"),
            (200, #"{"status":true,"data":{"status":"1","refunded":""}}"#, "succeeded"),
            (200, #"{"status":false,"message":"No such transaction","data":{"refunded":"1"}}"#, "unknown.contradictory"),
            (200, #"{"status":false,"data":{"status":"1"}}"#, "unknown.contradictory"),
            (200, #"{"status":true,"data":{"status":"2","refunded":"1"}}"#, "unknown.contradictory"),
            (200, #"{"status":true,"data":[{"status":"1"},{"status":"0"}]}"#, "unknown.unreadable"),
            (200, #"{"status":false,"message":"Something went wrong"}"#, "unknown.contradictory"),
            (200, #"{"status":false,"response_code":11,"message":"Duplicate"}"#, "unknown.contradictory"),
            (200, #"{"status":true}"#, "unknown.contradictory"), (200, #"{"status":false,"response_code":1}"#, "unknown.contradictory"),
            (401, #"{"status":false,"response_code":16}"#, "credentialsRefused(16)"),
            (412, #"{"status":false,"response_code":15}"#, "credentialsRefused(15)"),
            (404, #"{"status":false,"response_code":7,"message":"No such transaction"}"#, "unknown.unexpected_status"),
            (500, #"{"status":false,"response_code":7}"#, "unknown.server_error"), (429, "", "throttled(nil)"),
            (200, "", "unknown.unreadable"),
        ])
    func enquiryAnswer(status: Int, body: String, outcome: String) {
        #expect(classifier.enquiry(read(status, body: body), version: version).outcome == outcome)
    }

    @Test(
        "an answer to a PAN check has the verdict of its row",
        arguments: [
            (200, #"{"status":true,"response_code":1,"message":"Application is under process at NSDL eGOV"}"#, "pending"),
            (200, #"{"status":true,"response_code":1,"message":"APPLICATION IS UNDER PROCESS"}"#, "pending"),
            (200, #"{"status":true,"response_code":1,"message":"PAN allotted"}"#, "completed"),
            (200, #"{"status":true,"response_code":1,"message":"PAN has been allotted, your PAN card is under process"}"#, "completed"),
            // Unknown words do not end an application.
            (200, #"{"status":true,"response_code":1,"message":"Objection raised, documents awaited"}"#, "pending"),
            (200, #"{"status":true,"response_code":1,"message":"Application is in process"}"#, "pending"),
            (200, #"{"status":true,"response_code":1,"message":"Marked for clarification"}"#, "pending"),
            (200, #"{"status":true,"response_code":1,"message":"Unable to fetch status, please try later"}"#, "pending"),
            (200, #"{"status":true,"response_code":1,"message":"Your card will be dispatched"}"#, "pending"),
            (200, #"{"status":false,"message":"Service unavailable, try later"}"#, "pending"),
            (200, #"{"message":"Something went wrong"}"#, "pending"),
            // Phrases of two lists, or words that contradict the code.
            (200, #"{"status":true,"response_code":1,"message":"Rejected: PAN allotted before"}"#, "pending"),
            (200, #"{"status":true,"response_code":1,"message":"Application is under process, PAN allotted"}"#, "pending"),
            (200, #"{"status":false,"response_code":9,"message":"PAN allotted"}"#, "pending"),
            (200, #"{"status":true,"response_code":7,"message":"PAN allotted"}"#, "pending"),
            (200, #"{"status":true,"response_code":1,"message":"Duplicate RefID"}"#, "pending"),
            (200, #"{"status":false,"response_code":1,"message":"odd"}"#, "pending"),
            (200, #"{"status":"Success","message":"PAN allotted"}"#, "completed"),
            (200, #"{"status":true,"response_code":1,"message":"Application rejected"}"#, "rejected"),
            (200, #"{"status":false,"response_code":9,"message":"Rejected by NSDL"}"#, "rejected"),
            (200, #"{"status":true,"response_code":2,"message":"wait"}"#, "pending"),
            (401, #"{"status":"Failed","message":"Duplicate RefID"}"#, "failed(code: nil)"),
            (401, #"{"message":"Duplicate RefID"}"#, "failed(code: nil)"),
            (401, #"{"status":false,"response_code":9,"message":"no"}"#, "pending"),
            (401, #"{"message":"Invalid token"}"#, "credentialsRefused(nil)"),
            (412, #"{"status":false,"response_code":15,"message":"Rejected"}"#, "credentialsRefused(15)"),
            (402, #"{"status":false,"response_code":16,"message":"Insufficient fund"}"#, "postponed"),
            (401, #"{"status":false,"response_code":16,"message":"Authentication failed"}"#, "credentialsRefused(16)"),
            (200, #"{"status":true,"response_code":1}"#, "unknown.contradictory"),
            (404, #"{"status":false,"message":"no"}"#, "unknown.unexpected_status"), (502, "", "unknown.server_error"),
            (200, "<html>", "unknown.unreadable"),
        ])
    func panAnswer(status: Int, body: String, outcome: String) {
        #expect(classifier.panStatus(read(status, body: body), version: version).outcome == outcome)
    }

    @Test("ids keep every digit, as numbers and as strings, and an empty one counts as missing")
    func idsKeepEveryDigit() {
        let long = "9876543210987654321098765432109876543210"
        let facts = read(200, body: #"{"status":true,"response_code":1,"operatorid":\#(long),"ackno":"000\#(long)"}"#).facts
        #expect(facts.operatorID == long)
        #expect(facts.acknowledgement == "000\(long)")
        #expect(read(200, body: #"{"operatorid":"1.0e3","ackno":12.50}"#).facts.acknowledgement == "12.50")
        #expect(read(200, body: #"{"operatorid":"","ackno":null}"#).facts.operatorID == nil)
        // BOS sends 0 before the mobile operator has given a number.
        for none in ["0", #""0""#, #""00""#] { #expect(read(200, body: #"{"operatorid":\#(none)}"#).facts.operatorID == nil) }
        #expect(read(200, body: #"{"operatorid":10,"ackno":0,"refid":123456}"#).facts.operatorID == "10")
        #expect(read(200, body: #"{"refid":123456}"#).facts.reference == "123456")
        #expect(read(200, body: #"{"refid":""}"#).facts.reference == nil)
    }

    @Test("operator id and message are taken from an enquiry's data if they are not beside it")
    func detailsComeFromData() throws {
        let body = #"{"status":true,"data":{"status":"1","operatorid":"0042","message":"done"}}"#
        guard case .answered(let answer) = classifier.enquiry(read(200, body: body), version: version) else {
            Issue.record("no verdict")
            return
        }
        #expect(answer.facts.operatorID == "0042")
        #expect(answer.facts.message == "done")
    }

    @Test("configured codes are final, and a configured word list replaces the default")
    func configuredCodesAndWordsCount() {
        var configuration = BOSConfiguration()
        configuration.codes.finalRefusals = [7]
        configuration.enquiry.failedCodes = [7]
        configuration.codes.postponed = [6]
        configuration.pan.failedCodes = [9]
        configuration.enquiry.succeededWords = ["Erledigt"]
        configuration.codes.failingPatterns = ["misslungen"]
        let classifier = AnswerClassifier(configuration: configuration)
        let refusal = classifier.recharge(read(200, body: #"{"status":false,"response_code":7}"#), version: version)
        #expect(refusal.outcome == "refused(code: Optional(7), isFinal: true)")
        #expect(classifier.recharge(read(200, body: #"{"status":false,"response_code":6}"#), version: version).outcome == "postponed")
        // A configured code does not win over a number that BOS assigns to an accepted recharge, or over words that contradict it.
        let accepted = read(200, body: #"{"status":false,"response_code":6,"operatorid":"0042"}"#)
        #expect(classifier.recharge(accepted, version: version).outcome == "refused(code: Optional(6), isFinal: false)")
        func refusing(_ code: Int, message: String) -> String {
            let body = #"{"status":false,"response_code":\#(code),"message":"\#(message)"}"#
            return classifier.recharge(read(200, body: body), version: version).outcome
        }
        #expect(refusing(6, message: "your request is pending") == "refused(code: Optional(6), isFinal: false)")
        #expect(refusing(7, message: "your request is pending") == "refused(code: Optional(7), isFinal: false)")
        for message in ["Recharge is in process", "Recharge successful", "Service down"] {
            let body = #"{"status":false,"responsecode":7,"message":"\#(message)"}"#
            let outcome = classifier.enquiry(read(200, body: body), version: version).outcome
            #expect(!outcome.hasPrefix("failed"), "\(message): \(outcome)")
        }
        #expect(
            classifier.recharge(read(200, body: #"{"status":true,"response_code":6}"#), version: version).outcome == "unknown.contradictory"
        )
        func saying(_ message: String) -> String {
            let body = #"{"status":true,"response_code":1,"message":"\#(message)"}"#
            return classifier.recharge(read(200, body: body), version: version).outcome
        }
        #expect(saying("Transaction failed") == "done")
        #expect(saying("MISSLUNGEN") == "unknown.contradictory")
        let application = classifier.panStatus(read(200, body: #"{"status":false,"response_code":9,"message":"no"}"#), version: version)
        #expect(application.outcome == "failed(code: Optional(9))")
        let failure = classifier.enquiry(read(200, body: #"{"status":false,"responsecode":7}"#), version: version)
        #expect(failure.outcome == "failed(refunded: false)")
        #expect(classifier.enquiry(read(200, body: #"{"data":{"status":"ERLEDIGT"}}"#), version: version).outcome == "succeeded")
        #expect(classifier.enquiry(read(200, body: #"{"data":{"status":"success"}}"#), version: version).outcome == "unknown.contradictory")
    }

    @Test("details and descriptions repeat no text of an answer")
    func detailsRepeatNoAnswerText() {
        let body = #"{"status":true,"response_code":7,"message":"for 9876543210"}"#
        let attempt = classifier.recharge(read(200, body: body), version: version)
        #expect(attempt.detail?.contains("9876543210") == false)
        #expect(!"\(attempt)".contains("9876543210"))
        #expect(!"\(Recharge.sample())".contains("DL12CB4685"))
        var dumped = ""
        dump(Recharge.sample(), to: &dumped)
        #expect(!dumped.contains("DL12CB4685"))
    }
}
