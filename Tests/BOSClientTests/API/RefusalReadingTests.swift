import JobModel
import Testing

@testable import BOSClient

@Suite("Refused credentials, and \"not now\"", .timeLimit(.minutes(1)))
struct RefusalReadingTests {
    private let classifier = AnswerClassifier(configuration: BOSConfiguration())
    private let version = CredentialVersion(1)

    private func recharge(_ status: Int, body: String, refusesToken: Bool = false) -> Attempt<RechargeAnswer> {
        classifier.recharge(ReadAnswer(httpStatus: status, refusesToken: refusesToken, body: Array(body.utf8)), version: version)
    }

    @Test(
        "a 401 without a code or a claim refuses our credentials",
        arguments: [
            "", "Unauthorized", "<html>401</html>", "[]", "{}", #"{"message":"Unauthorized"}"#, #"{"error":"invalid_token"}"#,
            #"{"status":401,"error":"Unauthorized"}"#, #"{"status":"error","message":"no"}"#,
            #"{"status":false,"message":"Token has expired"}"#, #"{"status":"ERROR","subCode":"401"}"#,
        ])
    func bare401RefusesCredentials(body: String) {
        #expect(recharge(401, body: body).outcome == "credentialsRefused(nil)")
        let answer = ReadAnswer(httpStatus: 401, body: Array(body.utf8))
        #expect(classifier.enquiry(answer, version: version).outcome == "credentialsRefused(nil)")
        #expect(classifier.panStatus(answer, version: version).outcome == "credentialsRefused(nil)")
    }

    @Test(
        "a 401 with a code or a claim has the meaning of its row",
        arguments: [
            (#"{"status":false,"response_code":7}"#, "refused(code: Optional(7), isFinal: false)"),
            (#"{"status":false,"message":"no"}"#, "refused(code: nil, isFinal: false)"),
            (#"{"status":"Failed","message":"Duplicate RefID, see token"}"#, "refused(code: nil, isFinal: false)"),
            (#"{"response_code":11}"#, "duplicateReference"), (#"{"response_code":2}"#, "accepted"),
            (#"{"status":true}"#, "unknown.contradictory"), (#"{"status":true,"response_code":1"#, "unknown.unreadable"),
            // Numbers that only an accepted recharge has, and words.
            (#"{"ackno":"11224445565"}"#, "unknown.contradictory"), (#"{"operatorid":77}"#, "unknown.contradictory"),
            (#"{"message":"Recharge request accepted"}"#, "unknown.contradictory"),
            (#"{"message":"Your recharge is pending with the operator"}"#, "unknown.contradictory"),
            (#"{"status":false,"message":"Recharge successful, renew your token"}"#, "refused(code: nil, isFinal: false)"),
            (#"{"ackno":"0","operatorid":0,"message":"Token not accepted"}"#, "credentialsRefused(nil)"),
            (#"{"response_code":16,"message":"Recharge is in process"}"#, "unknown.contradictory"),
            (#"{"status":false,"response_code":15,"ackno":"112"}"#, "unknown.contradictory"),
        ])
    func claimsWinOver401(body: String, outcome: String) {
        #expect(recharge(401, body: body).outcome == outcome)
    }

    @Test("the header of an invalid token refuses credentials, unless the body claims that the call was accepted")
    func invalidTokenHeaderRefusesCredentials() {
        #expect(recharge(401, body: #"{"status":false,"message":"no"}"#, refusesToken: true).outcome == "credentialsRefused(nil)")
        #expect(recharge(401, body: #"{"status":true}"#, refusesToken: true).outcome == "unknown.contradictory")
        #expect(recharge(401, body: #"{"response_code":2}"#, refusesToken: true).outcome == "accepted")
    }

    @Test("a subCode of the authorise call refuses credentials, also with HTTP 200")
    func subCodeRefusesCredentials() {
        let body = #"{"status":"ERROR","subCode":"403","message":"Token is not valid"}"#
        for status in [200, 401, 403] { #expect(recharge(status, body: body).outcome == "credentialsRefused(nil)") }
        #expect(recharge(200, body: #"{"status":true,"response_code":1,"subCode":"403"}"#).outcome == "done")
        #expect(recharge(200, body: #"{"status":"ERROR","subCode":"500"}"#).outcome == "unknown.contradictory")
    }

    @Test(
        "an empty wallet and maintenance are postponed, not refused",
        arguments: [
            (402, ""), (402, "<html>"), (402, #"{"status":false,"response_code":16,"message":"Insufficient fund in your account"}"#),
            (402, #"{"status":false,"response_code":7}"#), (200, #"{"status":false,"response_code":16,"message":"Insufficient fund"}"#),
            (401, #"{"status":false,"response_code":16,"message":"INSUFFICIENT FUND in your account"}"#),
            (200, #"{"status":false,"response_code":6,"message":"Service under maintenance, try after 02:00"}"#),
            (200, #"{"status":false,"message":"You Have Insufficient Balance."}"#),
            (200, #"{"status":false,"response_code":5,"message":"Service down for sometime"}"#),
            (401, #"{"response_code":5,"message":"Insufficient API Balance."}"#),
        ])
    func notNowIsPostponed(status: Int, body: String) {
        #expect(recharge(status, body: body).outcome == "postponed")
    }

    @Test(
        "an answer that claims acceptance is never \"not now\"",
        arguments: [
            (402, #"{"status":true,"response_code":1}"#, "unknown.contradictory"), (402, #"{"response_code":11}"#, "duplicateReference"),
            (200, #"{"status":true,"response_code":1,"message":"SMS service temporarily unavailable"}"#, "unknown.contradictory"),
            (200, #"{"status":true,"response_code":5,"message":"Service down for sometime"}"#, "unknown.contradictory"),
            // Words alone prove nothing. Without a refusal they are a doubt.
            (200, #"{"response_code":5,"message":"Insufficient API Balance."}"#, "unknown.contradictory"),
            (200, #"{"message":"Service down for sometime"}"#, "unknown.contradictory"),
            (200, #"{"status":false,"response_code":2,"message":"Service down"}"#, "accepted"),
            (402, #"{"status":false,"message":"Recharge request accepted"}"#, "refused(code: nil, isFinal: false)"),
            (402, #"{"ackno":"112"}"#, "unknown.contradictory"), (429, #"{"message":"Your request is pending"}"#, "unknown.contradictory"),
            (200, #"{"status":false,"message":"Service down","operatorid":"7"}"#, "refused(code: nil, isFinal: false)"),
            (402, #"{"status":false,"response_code":7"#, "unknown.unreadable"),
            // A refusal whose words claim acceptance needs an enquiry.
            (
                200, #"{"status":false,"response_code":7,"message":"Service down, your request is PENDING"}"#,
                "refused(code: Optional(7), isFinal: false)"
            ),
            (200, #"{"status":false,"message":"Recharge accepted, SMS service down"}"#, "refused(code: nil, isFinal: false)"),
            (400, #"{"message":"Recharge successful, insufficient balance for more"}"#, "unknown.contradictory"),
            (503, #"{"status":false,"message":"under maintenance"}"#, "unknown.server_error"),
        ])
    func claimedAcceptanceIsNeverPostponed(status: Int, body: String, outcome: String) {
        #expect(recharge(status, body: body).outcome == outcome)
    }

    @Test("a 403 without JSON names the likely cause")
    func bare403NamesFirewall() {
        #expect(recharge(403, body: "<html>Access denied</html>").outcome == "unknown.unreadable")
        #expect(recharge(403, body: "<html>Access denied</html>").detail?.contains("firewall") == true)
        #expect(recharge(404, body: "<html>").detail?.contains("firewall") == false)
    }

    @Test("an unreadable answer is described by the position of the fault and without its text")
    func unreadableAnswerIsLocated() {
        #expect(recharge(200, body: #"{"status":true,"canumber":98765 43210}"#).detail?.contains("(byte 32)") == true)
        #expect(recharge(200, body: #"{"status":true,"canumber":98765 43210}"#).detail?.contains("43210") == false)
    }

    @Test("an answer that names another subscriber or amount is not the answer to this recharge")
    func answerToAnotherRechargeIsADoubt() {
        func answer(_ members: String) -> String {
            let body = #"{"status":true,"response_code":1,\#(members)}"#
            return classifier.recharge(ReadAnswer(httpStatus: 200, body: Array(body.utf8)), to: .sample(), version: version).outcome
        }
        #expect(answer(#""canumber":"DL12CB4685","amount":"10.5""#) == "done")
        #expect(answer(#""canumber":"","amount":null"#) == "done")
        #expect(answer(#""canumber":"DL12CB4686""#) == "unknown.contradictory")
        #expect(answer(#""amount":50"#) == "unknown.contradictory")
        // The same holds for an answer that says "not taken": the worker would send the recharge again.
        for (status, members) in [(429, ""), (402, #""status":false,"#), (401, #""status":false,"response_code":16,"#)] {
            let body = Array("{\(members)\"canumber\":\"DL12CB4686\"}".utf8)
            let read = ReadAnswer(httpStatus: status, body: body)
            let attempt = classifier.recharge(read, to: .sample(), version: version)
            #expect(attempt.outcome == "unknown.contradictory", "HTTP \(status)")
            guard case .unknown(_, _, nil) = attempt else {
                Issue.record("the job would store the answer to another recharge")
                continue
            }
        }
    }
}
