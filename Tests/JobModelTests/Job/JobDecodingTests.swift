import JobModel
import Testing

@Suite("Decoding of jobs", .timeLimit(.minutes(1)))
struct JobDecodingTests {
    static let example =
        #"{"operator":311,"canumber":"DL12CB4685","amount":10,"referenceid":"1234435687678","RegisterID":"1234","expires_at":"2026-11-21T10:00:00Z"}"#

    @Test("the examples of the contract are decoded")
    func contractExamples() throws {
        var expected = Jobs.recharge
        expected.expiresAt = Timestamp(rfc3339: "2026-11-21T10:00:00Z")
        #expect(try Jobs.incoming(Self.example, type: "recharge").decode(JobRules()).job == .recharge(expected))
        #expect(
            try Jobs.incoming(#"{"referenceid":"1234435687678"}"#, type: "recharge.status").decode(Jobs.rules).job
                == .rechargeStatus(RechargeStatusQuery(reference: "1234435687678", registerID: "configured")))
        #expect(
            try Jobs.incoming(#"{"refid":"abc","nep_key":"k","domain":"d","partnerId":"p","nep_id":"n"}"#).decode(Jobs.rules).job
                == .panStatus(PANStatusQuery(reference: "abc", nepKey: "k", domain: "d", partnerID: "p", nepID: "n")))
        #expect(try Jobs.incoming(#"{"refid":"abc"}"#).decode(Jobs.rules).job == .panStatus(PANStatusQuery(reference: "abc")))
    }

    @Test(
        "the property type names the kind, else the routing key, else the fields do",
        arguments: [
            ("recharge.status", "my.own.key", #"{"referenceid":"r","refid":"p"}"#, JobKind.rechargeStatus),
            ("Billing.RechargeJob, Billing", "recharge", #"{"referenceid":"r","amount":1,"operator":1,"canumber":"c"}"#, .recharge),
            ("refund", "recharge.status", #"{"referenceid":"r"}"#, .rechargeStatus),
            ("refund", "", #"{"referenceid":"r"}"#, .rechargeStatus), ("Recharge_Status", "", #"{"referenceid":"r"}"#, .rechargeStatus),
            ("pan.status", "pan.status", #"{"refid":"p"}"#, .panStatus),
            ("", "pan.status", #"{"referenceid":"r","refid":"p"}"#, .panStatus),
            (nil, "pan.status", #"{"referenceid":"r","refid":"p"}"#, .panStatus),
            (nil, "my.own.key", #"{"referenceid":"r","refid":"p"}"#, .panStatus), (nil, "", #"{"referenceid":"r"}"#, .rechargeStatus),
            (nil, "", #"{"referenceid":"r","amount":1,"operator":1,"canumber":"c"}"#, .recharge),
        ] as [(String?, String, String, JobKind)])
    func decodesKind(type: String?, routingKey: String, body: String, kind: JobKind) throws {
        #expect(try Jobs.incoming(body, type: type, routingKey: routingKey).decode(Jobs.rules).job.kind == kind)
    }

    @Test(
        "numbers may be strings, and unknown and null fields are ignored",
        arguments: [
            #"{"operator":"311","canumber":"DL12CB4685","amount":"10.00","referenceid":"1234435687678"}"#,
            #"{"operator":311,"canumber":"DL12CB4685","amount":10.0,"referenceid":"1234435687678","RegisterID":null,"expires_at":null,"x":[{}]}"#,
        ])
    func acceptedForms(body: String) throws {
        var expected = Jobs.recharge
        expected.registerID = "configured"
        #expect(try Jobs.incoming(body, type: "recharge").decode(Jobs.rules).job == .recharge(expected))
    }

    @Test("a job without a merchant is refused if none is configured")
    func missingRegisterID() {
        let job = Jobs.incoming(#"{"referenceid":"r"}"#, type: "recharge.status")
        let refusal = #expect(throws: JobRefusal.self) { try job.decode(JobRules()) }
        #expect(refusal?.deadLetter == .invalidJob)
        #expect(refusal?.detail.hasPrefix("RegisterID is missing") == true)
    }

    @Test(
        "a refusal names the wrong field, and never its value",
        arguments: [
            ("operator", ""), ("operator", #""operator":null"#), ("operator", #""operator":"x""#), ("operator", #""operator":0"#),
            ("operator", #""operator":-5"#), ("operator", #""operator":1.5"#), ("operator", #""operator":99999999999999999999"#),
            ("operator", #""operator":[1]"#), ("canumber", #""canumber":null"#), ("canumber", #""canumber":9876543210"#),
            ("canumber", #""canumber":"""#), ("canumber", #""canumber":"98\n76""#), ("amount", #""amount":null"#),
            ("amount", #""amount":"ten""#), ("amount", #""amount":10.001"#), ("amount", #""amount":1E-3"#), ("amount", #""amount":1E+400"#),
            ("amount", #""amount":"1E+2""#), ("amount", #""amount":"１０""#), ("amount", #""amount":"+10""#),
            ("operator", #""operator":311.5"#), ("operator", #""operator":1E+400"#), ("operator", #""operator":"3.11E2""#),
            ("operator", #""operator":true"#), ("operator", #""operator":"+311""#), ("operator", #""operator":"３１１""#),
            ("canumber", #""canumber":" 9876543210""#), ("canumber", #""canumber":"9876543210\u200b""#),
            ("canumber", #""canumber":"９８７６""#), ("referenceid", #""referenceid":"r-1 ""#), ("RegisterID", #""RegisterID":"\u00a01""#),
            ("expires_at", #""expires_at":"2026-11-21T10:00:00""#),
            ("amount", #""amount":true"#),
            ("referenceid", #""referenceid":null"#), ("referenceid", #""referenceid":12"#), ("referenceid", #""referenceid":"""#),
            ("RegisterID", #""RegisterID":1234"#), ("RegisterID", #""RegisterID":"""#), ("expires_at", #""expires_at":"tomorrow""#),
            ("expires_at", #""expires_at":1795251600"#),
        ])
    func wrongFields(name: String, field: String) throws {
        let good = [
            "operator": "\"operator\":311", "canumber": "\"canumber\":\"9876543210\"", "amount": "\"amount\":10",
            "referenceid": "\"referenceid\":\"r-1\"",
        ]
        let fields = good.filter { $0.key != name }.map(\.value) + (field.isEmpty ? [] : [field])
        let job = Jobs.incoming("{\(fields.joined(separator: ","))}", type: "recharge")
        let refusal = #expect(throws: JobRefusal.self) { try job.decode(Jobs.rules) }
        #expect(refusal?.detail.contains(name) == true)
        #expect(refusal?.detail.contains("9876") == false)
        #expect(refusal?.deadLetter == .invalidJob)
        #expect(refusal?.code == .invalidJob)
        #expect(refusal?.kind == .recharge)
    }

    @Test(
        "an amount outside the limits is refused without a dead letter",
        arguments: ["0", "0.00", "-1", "10000.01", "92233720368547758.07", "\"-0.01\""])
    func amountOutOfRange(amount: String) {
        let job = Jobs.incoming(
            #"{"operator":311,"canumber":"c","referenceid":"r-1","amount":\#(amount)}"#, type: "recharge")
        let refusal = #expect(throws: JobRefusal.self) { try job.decode(Jobs.rules) }
        #expect(refusal?.code == .amountOutOfRange)
        #expect(refusal?.deadLetter == nil)
        #expect(refusal?.reference == "r-1")
    }

    @Test(
        "an amount that no number of paise can hold is not valid, and the largest amount is said",
        arguments: ["9223372036854775807", "1E+400"])
    func beyondAllAmounts(amount: String) {
        let job = Jobs.incoming(#"{"operator":311,"canumber":"c","referenceid":"r-1","amount":\#(amount)}"#, type: "recharge")
        let refusal = #expect(throws: JobRefusal.self) { try job.decode(Jobs.rules) }
        #expect(refusal?.code == .invalidJob)
        #expect(refusal?.detail.contains("at most 10000 rupees (jobs.maximumAmount)") == true, "\(refusal?.detail ?? "taken")")
    }

    @Test("the largest amount is accepted")
    func largestAmount() throws {
        let job = Jobs.incoming(#"{"operator":311,"canumber":"c","referenceid":"r-1","amount":10000.00}"#, type: "recharge")
        #expect(try job.decode(Jobs.rules).job.amount == Money(paise: 1_000_000))
    }

    @Test(
        "a message that cannot be decoded is refused with its reason",
        arguments: [
            ("", nil, .undecodable), ("not json", "recharge", .undecodable), ("[]", "recharge", .undecodable), ("\"x\"", nil, .undecodable),
            ("{\"a\":1,\"a\":2}", nil, .undecodable), ("{}", nil, .unknownKind), (#"{"reference":"r-1"}"#, "refund", .unknownKind),
            ("{}", "recharge", .invalidJob),
        ] as [(String, String?, DeadLetterReason)])
    func undecodableMessages(body: String, type: String?, reason: DeadLetterReason) {
        let refusal = #expect(throws: JobRefusal.self) { try Jobs.incoming(body, type: type).decode(Jobs.rules) }
        #expect(refusal?.deadLetter == reason)
        #expect(refusal?.code == .invalidJob)
        #expect(refusal?.kind == type.flatMap(JobKind.init))
    }

    @Test("a message whose announced size is above 64 KiB is refused")
    func announcedSize() throws {
        let padding = String(repeating: " ", count: JobRules.maximumSize - Self.example.utf8.count)
        #expect(throws: Never.self) { try Jobs.incoming(Self.example + padding, type: "recharge").decode(Jobs.rules) }
        var cut = Jobs.incoming(Self.example, type: "recharge")
        cut.announcedSize = 65_537
        let refusal = #expect(throws: JobRefusal.self) { try cut.decode(Jobs.rules) }
        #expect(refusal?.deadLetter == .tooLarge)
        #expect(refusal?.detail == "the message has 65537 bytes, a job has at most 65536")
        #expect(refusal?.kind == .recharge)
    }

    @Test("bytes that are not UTF-8, and deep nesting, are refused")
    func hostileBytes() {
        for body in [[0x7B, 0x22, 0xFF, 0x22, 0x7D], Array(String(repeating: "[", count: 60_000).utf8), [0, 0, 0]] as [[UInt8]] {
            let refusal = #expect(throws: JobRefusal.self) { try IncomingJob(body: body).decode(Jobs.rules) }
            #expect(refusal?.deadLetter == .undecodable)
        }
    }

    @Test("a reference has at most 64 bytes, and a refusal does not repeat an invalid one", arguments: [("é", 32), ("r", 64)])
    func longReference(character: String, count: Int) throws {
        let body = { (count: Int) in #"{"referenceid":"\#(String(repeating: character, count: count))"}"# }
        #expect(throws: Never.self) { try Jobs.incoming(body(count), type: "recharge.status").decode(Jobs.rules) }
        let refusal = #expect(throws: JobRefusal.self) { try Jobs.incoming(body(count + 1), type: "recharge.status").decode(Jobs.rules) }
        #expect(refusal?.reference == nil)
        let odd = #expect(throws: JobRefusal.self) {
            try Jobs.incoming(#"{"referenceid":"a\u0000b"}"#, type: "recharge.status").decode(Jobs.rules)
        }
        #expect(odd?.reference == nil)
    }

    @Test("a recipient is identified by correlation id, message id or reference, and is reached at reply_to")
    func recipients() {
        var job = IncomingJob(body: [], correlationID: "c", messageID: "m", replyTo: "q", traceparent: "t")
        #expect(job.recipient(reference: "r") == ReplyRecipient(correlationID: "c", replyTo: "q", traceparent: "t"))
        job.correlationID = ""
        #expect(job.recipient(reference: "r")?.correlationID == "m")
        job.messageID = nil
        #expect(job.recipient(reference: "r")?.correlationID == "r")
        #expect(job.recipient(reference: nil) == ReplyRecipient(correlationID: "", replyTo: "q", traceparent: "t"))
        job.replyTo = ""
        #expect(job.recipient(reference: "r") == ReplyRecipient(correlationID: "r", replyTo: nil, traceparent: "t"))
        #expect(job.recipient(reference: nil) == nil)
    }
}
