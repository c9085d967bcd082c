import JobModel
import Testing

@testable import BOSClient

@Suite("Answers in unusual forms", .timeLimit(.minutes(1)))
struct ServerHabitsTests {
    private let classifier = AnswerClassifier(configuration: BOSConfiguration())
    private let version = CredentialVersion(1)

    private func read(_ body: String, status: Int = 200) -> ReadAnswer { ReadAnswer(httpStatus: status, body: Array(body.utf8)) }

    private func recharge(_ body: String, status: Int = 200) -> Attempt<RechargeAnswer> {
        classifier.recharge(read(body, status: status), to: .sample(), version: version)
    }

    private func enquiry(_ body: String) -> Attempt<EnquiryAnswer> { classifier.enquiry(read(body), version: version) }

    /// The body as a JSON string.
    private func quoted(_ body: String) -> String {
        "\"\(body.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }

    @Test(
        "a success with words for \"not finished\" means accepted, not done",
        arguments: [
            "Transaction is pending", "PENDING", "TXN_PENDING", "Recharge request accepted, in process", "Your request is under processing",
            "Recharge in progress", "Request queued", "Your recharge is processing", "Request is being processed", "Status:pending",
            "is\u{A0}pending",
        ])
    func unfinishedWordsMeanAccepted(message: String) {
        let body = #"{"status":true,"response_code":1,"operatorid":"0","ackno":123,"message":"\#(message)"}"#
        #expect(recharge(body).outcome == "accepted")
        #expect(enquiry(body).outcome == "pending")
    }

    @Test(
        "a success with any other words means done",
        arguments: [
            "Recharge for Aircel of Amount 50 is successful", "Recharge of Amount 10 is successful", "Recharge processed successfully",
            "ok",
            "Successful. The time of credit depends on the operator", "Successful, credit is immediate, depending on the circle",
            "Successful. Processing fee 1.00", "Recharge done within processing time", "",
        ])
    func otherWordsMeanDone(message: String) {
        let body = #"{"status":true,"response_code":1,"message":"\#(message)"}"#
        #expect(recharge(body).outcome == "done")
        #expect(enquiry(body).outcome == "succeeded")
    }

    @Test(
        "an enquiry whose words say \"not finished\" decides nothing if its data says otherwise",
        arguments: [
            (#"{"status":true,"message":"Transaction is pending","data":{"status":"1"}}"#, "unknown.contradictory"),
            (#"{"status":true,"data":{"status":"1","message":"pending"}}"#, "unknown.contradictory"),
            (#"{"status":true,"data":{"status":"0","message":"pending"}}"#, "unknown.contradictory"),
            (#"{"status":true,"data":{"status":"2","message":"pending"}}"#, "pending"),
            (#"{"status":true,"data":{"status":"0","message":"Recharge failed, refund is in process"}}"#, "failed(refunded: false)"),
            (#"{"status":true,"data":{"status":"0","refunded":"1","message":"no longer pending"}}"#, "failed(refunded: true)"),
            (#"{"status":false,"response_code":7,"message":"No record found, the transaction may be queued"}"#, "unknown.contradictory"),
        ])
    func unfinishedWordsContradictData(body: String, outcome: String) {
        #expect(enquiry(body).outcome == outcome)
    }

    @Test("the phrases for \"not finished\" come from the configuration")
    func unfinishedPhrasesAreConfigured() {
        var configuration = BOSConfiguration()
        configuration.codes.pendingPatterns = ["Initiated"]
        let classifier = AnswerClassifier(configuration: configuration)
        func outcome(_ message: String) -> String {
            classifier.recharge(read(#"{"status":true,"response_code":1,"message":"\#(message)"}"#), version: version).outcome
        }
        #expect(outcome("Recharge INITIATED") == "accepted")
        #expect(outcome("pending") == "done")
    }

    @Test("an answer inside a JSON string is read")
    func answerInStringIsRead() {
        #expect(recharge(quoted(#"{"status":true,"response_code":1,"message":"a \"b\""}"#)).outcome == "done")
        #expect(recharge("\u{FEFF} " + quoted(#" {"status":false,"response_code":11} "#)).outcome == "duplicateReference")
        #expect(recharge(quoted(#"{"status":false,"response_code":16}"#), status: 401).outcome == "credentialsRefused(16)")
    }

    @Test("a string that contains anything but one complete object is unreadable")
    func otherStringsAreUnreadable() {
        let done = #"{"status":true,"response_code":1}"#
        for text in [done + done, "[\(done)]", String(done.dropLast()), "x\(done)", "done", "1", ""] {
            #expect(recharge(quoted(text)).outcome == "unknown.unreadable")
        }
        #expect(recharge(quoted(quoted(done))).outcome == "unknown.unreadable")
        // Half a claim is a claim, even with an HTTP status that alone means "not taken".
        for status in [401, 402, 429] { #expect(recharge(quoted(String(done.dropLast())), status: status).outcome == "unknown.unreadable") }
    }

    @Test("data inside a JSON string is read, and any other string decides nothing")
    func dataInStringIsRead() throws {
        func outcome(_ data: String) -> String {
            enquiry(#"{"status":true,"responsecode":1,"message":"Transaction fetched","data":\#(data)}"#).outcome
        }
        #expect(outcome(quoted(#"{"status":"0","refid":"r1"}"#)) == "failed(refunded: false)")
        #expect(outcome(quoted(#"{"status":"1","refid":"r1"}"#)) == "succeeded")
        for other in [#"[{"status":"1"}]"#, #"{"status":"1""#, #"{"status":"1"}{"status":"0"}"#, "null", "1", "success"] {
            #expect(outcome(quoted(other)) == "unknown.contradictory")
        }
        for other in ["5", "true", "{}", #"["1"]"#] { #expect(outcome(other) == "unknown.contradictory") }
        let named = enquiry(#"{"status":true,"data":\#(quoted(#"{"status":"1","refid":"other"}"#))}"#)
        guard case .answered(let answer) = named else { return #expect(Bool(false)) }
        #expect(answer.subject.reference == "other")
        #expect(answer.subject.hasData)
    }

    @Test("whole numbers with a decimal point or an exponent are read as the equal integers, digit for digit")
    func wholeNumbersAreIntegers() {
        let body = #"{"status":1.0,"response_code":1.0,"operatorid":1.111122233E9,"ackno":1.1224445565E10,"refid":9E0}"#
        #expect(recharge(body).outcome == "done")
        let facts = read(body).facts
        #expect(facts.operatorID == "1111122233")
        #expect(facts.acknowledgement == "11224445565")
        #expect(facts.reference == "9")
        let long = "1234567890123456789012345678901234567890123"
        #expect(read(#"{"operatorid":1.\#(long.dropFirst())E\#(long.count - 1)}"#).facts.operatorID == long)
        #expect(read(#"{"operatorid":0.0,"ackno":-2.50e1}"#).facts.operatorID == nil)
        #expect(read(#"{"operatorid":0.0,"ackno":-2.50e1}"#).facts.acknowledgement == "-25")
        // A number that is not whole, or has more digits than any id, is kept as spelled.
        for spelled in ["1.5", "1E+400", "1E999999999999999999999"] {
            #expect(read(#"{"operatorid":\#(spelled)}"#).facts.operatorID == spelled)
        }
        #expect(recharge(#"{"status":"1.0","response_code":"1.0"}"#).outcome == "unknown.unreadable")
        #expect(recharge(#"{"status":true,"response_code":"1.0"}"#).outcome == "done")
        for code in ["1.5", "1E400", #""1.5""#, #""1E400""#, #""one""#] {
            #expect(recharge(#"{"status":true,"response_code":\#(code)}"#).outcome == "unknown.unreadable")
        }
        #expect(enquiry(#"{"status":true,"data":{"status":2.0}}"#).outcome == "pending")
        #expect(enquiry(#"{"status":true,"data":{"status":1.0,"refunded":1.0}}"#).outcome == "failed(refunded: true)")
    }

    @Test("an answer names the same recharge, however the server spells its numbers")
    func spellingOfNumbersDoesNotMatter() {
        let body = #"{"status":true,"data":{"status":"1","refid":1.23E3,"canumber":9.876543210E9,"amount":1E1}}"#
        guard case .answered(let answer) = enquiry(body) else { return #expect(Bool(false)) }
        #expect(answer.subject == Subject(reference: "1230", subscriber: "9876543210", amount: "10", hasData: true))
    }

    @Test("half a surrogate pair in a message replaces that character only")
    func halfSurrogatePairIsReplaced() {
        let body = #"{"status":true,"response_code":1,"operatorid":"1","ackno":"2","message":"Recharge is successful \ud83d"}"#
        #expect(recharge(body).outcome == "done")
        #expect(read(body).facts.message == "Recharge is successful \u{FFFD}")
    }

    @Test(
        "calls ask for an answer without encoding, and an encoded one is unreadable and names its encoding",
        arguments: ["gzip", "X-Br2, br"])
    func encodedAnswerIsUnreadable(encoding: String) async throws {
        let answer = ScriptedServer.answer(
            "200 OK", body: #"{"status":true,"response_code":1,"ackno":"7","message":"ok"}"#, headers: "Content-Encoding: \(encoding)\r\n")
        let server = try await ScriptedServer.start { _, _ in .write(answer) }
        try await withClient(server.address) { client in
            let attempt = await client.recharge(.sample())
            #expect(attempt.outcome == "unknown.unreadable")
            #expect(attempt.detail?.contains("(Content-Encoding: \(encoding == "gzip" ? "gzip" : "x-br,br"))") == true)
            #expect(await client.enquire(reference: "r1", registerID: "1").outcome == "unknown.unreadable")
        }
        try await server.stop()
        #expect(server.requests.allSatisfy { $0.contains("Accept-Encoding: identity\r\n") })
    }

    @Test(
        "an answer is read if its encoding is identity, empty or the name of a character set",
        arguments: ["identity", "Identity", "UTF-8", ""])
    func plainAnswerIsRead(encoding: String) async throws {
        let answer = ScriptedServer.answer(
            "200 OK", body: #"{"status":true,"response_code":1,"ackno":"7"}"#, headers: "Content-Encoding: \(encoding)\r\n")
        let server = try await ScriptedServer.start { _, _ in .write(answer) }
        #expect(try await withClient(server.address) { await $0.recharge(.sample()).outcome } == "done")
        try await server.stop()
    }
}
