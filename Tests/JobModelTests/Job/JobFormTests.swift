import JobModel
import Testing

@Suite("Forms of jobs: unambiguous ones are read, ambiguous ones are refused", .timeLimit(.minutes(1)))
struct JobFormTests {
    private static func job(_ fields: String, type: String? = "recharge") -> IncomingJob { Jobs.incoming("{\(fields)}", type: type) }

    private static let good = #""operator":311,"canumber":"9876543210","amount":10,"referenceid":"r-1""#

    private func refusal(_ job: IncomingJob) -> JobRefusal? {
        #expect(throws: JobRefusal.self) { try job.decode(Jobs.rules) }
    }

    @Test(
        "numbers are read exactly, also with exponents",
        arguments: [
            (#""operator":311.0,"amount":1E+2"#, 10_000), (#""operator":3.11E2,"amount":1e1"#, 1_000),
            (#""operator":31100e-2,"amount":0.1e1"#, 100), (#""operator":"311","amount":"10.50""#, 1_050),
            (#""operator":"311.0","amount":"10.5""#, 1_050), (#""operator":" 311 ","amount":" 10 ""#, 1_000),
            (#""operator":311,"amount":10.10"#, 1_010), (#""operator":311,"amount":1010E-2"#, 1_010),
            (#""operator":311,"amount":1000000e-2"#, 1_000_000),
        ])
    func exactNumbers(fields: String, paise: Int64) throws {
        let job = try Self.job(fields + #","canumber":"c","referenceid":"r""#).decode(Jobs.rules).job
        #expect(job.amount == Money(paise: paise))
        guard case .recharge(let recharge) = job else { return #expect(Bool(false)) }
        #expect(recharge.operatorID == 311)
    }

    @Test(
        "a text that is no number is refused with a fitting sentence",
        arguments: [
            ("0", "operator must be more than 0"), ("-0", "operator must be more than 0"), ("-3", "operator must be more than 0"),
            ("true", "operator must be a whole number, not a boolean"), ("[311]", "operator must be a whole number, not an array"),
            ("311.5", "operator must be a whole number, as a number or its digits in a string"),
            ("1E+400", "operator must be a whole number, as a number or its digits in a string"),
            (#""x""#, "operator must be a whole number, as a number or its digits in a string"),
        ])
    func invalidOperator(spelling: String, detail: String) {
        #expect(refusal(Self.job(#""operator":\#(spelling),"canumber":"c","amount":10,"referenceid":"r""#))?.detail == detail)
    }

    @Test(
        "a field whose name differs only in case or separators is refused with both names",
        arguments: [
            ("recharge", #""registerID":"M2""#, "RegisterID"), ("recharge", #""expiresAt":"2020-01-01T00:00:00Z""#, "expires_at"),
            ("recharge", #""reference_id":"r-2""#, "referenceid"), ("recharge", #""Amount":50"#, "amount"),
            ("recharge", #""can-number":1,"CANumber":"x""#, "canumber"), ("recharge", #""expires-at ":null"#, "expires_at"),
            ("recharge.status", #""ReferenceId":"r-1""#, "referenceid"), ("recharge.status", #""register_id":"1""#, "RegisterID"),
            ("pan.status", #""refId":"x""#, "refid"), ("pan.status", #""nepKey":"k""#, "nep_key"),
            ("pan.status", #""partnerid":"7""#, "partnerId"), ("pan.status", #""NEP-ID":"7""#, "nep_id"),
            ("pan.status", #""Domain":"d""#, "domain"),
        ])
    func misspelledField(kind: String, field: String, right: String) {
        let own = kind == "pan.status" ? #""refid":"r-1""# : Self.good
        let refusal = refusal(Self.job("\(own),\(field)", type: kind))
        #expect(refusal?.detail.hasSuffix("is spelled wrongly; the right name is \(right)") == true)
        #expect(refusal?.deadLetter == .invalidJob)
        #expect(refusal?.reference == "r-1")
        #expect(refusal?.kind == JobKind(rawValue: kind))
    }

    @Test("a refusal names the misspelled field, and cuts a very long name")
    func misspelledName() {
        #expect(
            refusal(Self.job(Self.good + #","registerID":"2""#))?.detail
                == "the field \"registerID\" is spelled wrongly; the right name is RegisterID")
        let long = refusal(Self.job(Self.good + ",\"amount\(String(repeating: "_", count: 10_000))\":1"))
        #expect(long.map { $0.detail.utf8.count < 200 } == true)
    }

    @Test("an unknown field is ignored, and so is a field of another kind or inside another field")
    func unknownFields() throws {
        let fields = Self.good + #","Domain":"d","note":{"Amount":7},"amount2":1,"reference":"x","registerIDs":[]"#
        #expect(try Self.job(fields).decode(Jobs.rules).job.amount == Money(paise: 1_000))
    }

    @Test("if only the fields tell the kind, a misspelled field of any kind is refused")
    func misspelledFieldWithoutKind() {
        for body in [#""refId":"p""#, #""referenceid":"r","Amount":10,"Operator":311,"canNumber":"c","ca_number":"c""#] {
            #expect(refusal(Self.job(body, type: nil))?.detail.contains("is spelled wrongly") == true)
        }
    }

    @Test(
        "a type and a routing key that name different kinds are refused, in any spelling of the type", arguments: ["recharge", "Recharge"])
    func contradictoryKinds(type: String) {
        let job = Jobs.incoming("{\(Self.good)}", type: type, routingKey: "recharge.status")
        let refusal = refusal(job)
        #expect(refusal?.deadLetter == .invalidJob)
        #expect(refusal?.code == .invalidJob)
        #expect(refusal?.reference == "r-1")
        #expect(refusal?.detail.hasPrefix("the property type says recharge and the routing key recharge.status") == true)
    }

    @Test("a recharge from the queue of questions is refused, whether the type or the fields tell its kind")
    func rechargeInWrongQueue() throws {
        for type in ["recharge", nil] {
            var job = Jobs.incoming("{\(Self.good)}", type: type, routingKey: "bos.status")
            job.lane = .questions
            let refusal = refusal(job)
            #expect(refusal?.deadLetter == .invalidJob)
            #expect(refusal?.kind == .recharge)
            job.lane = .money
            #expect(try job.decode(Jobs.rules).job.kind == .recharge)
        }
        var question = Jobs.incoming(#"{"referenceid":"r"}"#)
        question.lane = .questions
        #expect(try question.decode(Jobs.rules).job.kind == .rechargeStatus)
    }

    @Test(
        "a content encoding is refused with a sentence that says so",
        arguments: ["gzip", "GZIP", "deflate", "br", "base64", "utf-16"])
    func contentEncodings(encoding: String) {
        var job = IncomingJob(body: [0x1F, 0x8B, 0x08, 0x00], type: "recharge", contentEncoding: encoding)
        #expect(
            refusal(job)?.detail == "the property content_encoding names an encoding, and none is supported; publish the JSON text as it is"
        )
        #expect(refusal(job)?.deadLetter == .undecodable)
        job.body = Array("{\(Self.good)}".utf8)
        #expect(refusal(job)?.reference == "r-1")
    }

    @Test("a body that is JSON in UTF-8 is read, whatever media type and other properties say")
    func contentProperties() throws {
        let types = [
            nil, "", "application/json", "application/json; charset=utf-8", "text/plain", "application/octet-stream; charset=\"UTF-8\"",
        ]
        for type in types {
            for encoding in [nil, "", "identity", "utf-8", "UTF8"] {
                var job = Jobs.incoming(#"{"referenceid":"größe"}"#, type: "recharge.status")
                (job.contentType, job.contentEncoding) = (type, encoding)
                #expect(try job.decode(Jobs.rules).job.reference == "größe")
            }
        }
    }

    @Test("another character set is refused if the body depends on it")
    func characterSets() throws {
        var job = Jobs.incoming(#"{"referenceid":"r"}"#, type: "recharge.status")
        job.contentType = "application/json; charset=ISO-8859-1"
        #expect(try job.decode(Jobs.rules).job.reference == "r")
        job.body = Array(#"{"referenceid":"größe"}"#.utf8)
        #expect(refusal(job)?.detail.contains("another character set than UTF-8") == true)
        job.contentType = "application/json;charset='utf-16'"
        job.body = Array(#"{"referenceid":"r"}"#.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] })
        #expect(refusal(job)?.detail.contains("another character set than UTF-8") == true)
    }

    @Test("a byte order mark before a job is skipped")
    func byteOrderMark() throws {
        #expect(try Jobs.incoming("\u{FEFF}{\(Self.good)}", type: "recharge").decode(Jobs.rules).job.reference == "r-1")
    }

    @Test("case and marks inside a text are kept")
    func textIsKept() throws {
        let job = try Self.job(#""operator":1,"canumber":"DL 12-cb/é","amount":1,"referenceid":"R 1""#).decode(Jobs.rules).job
        guard case .recharge(let recharge) = job else { return #expect(Bool(false)) }
        #expect(recharge.subscriber == "DL 12-cb/é")
        #expect(recharge.reference == "R 1")
    }

    @Test(
        "a text with invisible or deceptive characters is refused with their place",
        arguments: ["canumber", "referenceid", "RegisterID"],
        [
            ("\u{202A}9876543210\u{202C}", "hold an invisible character (U+202A at place 1)"),
            ("98765\u{200B}43210", "hold an invisible character (U+200B at place 6)"),
            ("9876543210\u{202C}", "hold an invisible character (U+202C at place 11)"),
            ("1\u{34F}", "hold an invisible character (U+034F at place 2)"),
            ("1\u{2800}", "hold an invisible character (U+2800 at place 2)"),
            ("1\u{3164}2", "hold an invisible character (U+3164 at place 2)"),
            ("1\u{FE0F}", "hold an invisible character (U+FE0F at place 2)"),
            ("1\u{2028}2", "hold an invisible character (U+2028 at place 2)"),
            ("1\u{A0}2", "hold another space than the plain one (U+00A0 at place 2)"),
            ("1\u{3000}2", "hold another space than the plain one (U+3000 at place 2)"),
            ("\u{967}\u{968}", "hold other digits than 0 to 9 (at place 1)"), ("1１", "hold other digits than 0 to 9 (at place 2)"),
            ("1²", "hold other digits than 0 to 9 (at place 2)"), ("9876543210 ", "begin or end with white space"),
            ("\u{A0}1", "begin or end with white space"), ("1\u{2003}", "begin or end with white space"),
        ])
    func hiddenCharacters(field: String, sample: (text: String, fault: String)) throws {
        var fields = ["canumber": "9876543210", "referenceid": "r-1", "RegisterID": "7"]
        fields[field] = sample.text
        let texts = fields.map { ",\"\($0.key)\":\"\($0.value)\"" }.joined()
        let job = Self.job(#""operator":311,"amount":10"# + texts)
        let refusal = refusal(job)
        #expect(refusal?.detail == "\(field) must not \(sample.fault)")
        #expect(refusal?.deadLetter == .invalidJob)
    }

    @Test(
        "a text with a direction mark or a joiner is refused",
        arguments: [0x200B...0x200F, 0x202A...0x202E, 0x2060...0x2060, 0xFEFF...0xFEFF])
    func directionMarks(values: ClosedRange<UInt32>) throws {
        for value in values {
            let mark = try #require(Unicode.Scalar(value))
            for text in ["\(mark)1", "1\(mark)", "1\(mark)2"] {
                let body = #""operator":311,"amount":10,"canumber":"\#(text)","referenceid":"r""#
                #expect(refusal(Self.job(body))?.detail.hasPrefix("canumber must not hold an invisible character (U+") == true)
            }
        }
    }

    @Test("a form that an earlier version accepted is refused by rule, and is read under the rules of an accepted job")
    func earlierForms() throws {
        let forms = [
            Self.job(Self.good + #","registerID":"M2""#), Self.job(Self.good.replacing("9876543210", with: " 9876543210")),
            Jobs.incoming("{\(Self.good)}", type: "recharge", routingKey: "recharge.status"),
        ]
        for var form in forms {
            form.lane = .questions
            #expect(refusal(form)?.isByRule == true)
            #expect(refusal(form)?.kind == .recharge)
            #expect(refusal(form)?.reference == "r-1")
            let rules = JobRules(acceptedAs: .recharge(Jobs.recharge))
            #expect(try form.decode(rules).job.reference == "r-1")
        }
    }
}
