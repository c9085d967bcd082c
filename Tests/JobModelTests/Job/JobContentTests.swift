import JobModel
import Testing

@Suite("Content of jobs", .timeLimit(.minutes(1)))
struct JobContentTests {
    static func fingerprint(_ fields: String) throws -> [UInt8] {
        try Jobs.incoming("{\(fields)}", type: "recharge").decode(Jobs.rules).fingerprint
    }

    @Test(
        "the same content in another spelling has the same fingerprint",
        arguments: [
            #""amount":"10.00","operator":"311","referenceid":"r","canumber":"c""#,
            #""operator":311,"canumber":"c","amount":10.0,"referenceid":"r","RegisterID":null"#,
            #""operator":311,"canumber":"\u0063","amount":10,"referenceid":"r","expires_at":"2026-11-21T10:00:00Z","note":"x""#,
        ])
    func sameContent(fields: String) throws {
        #expect(try Self.fingerprint(fields) == Self.fingerprint(#""operator":311,"canumber":"c","amount":10,"referenceid":"r""#))
    }

    @Test(
        "other content has another fingerprint",
        arguments: [
            #""operator":312,"canumber":"c","amount":10,"referenceid":"r""#,
            #""operator":311,"canumber":"C","amount":10,"referenceid":"r""#,
            #""operator":311,"canumber":"c","amount":10.01,"referenceid":"r""#,
            #""operator":311,"canumber":"c","amount":10,"referenceid":"s""#,
            #""operator":311,"canumber":"c","amount":10,"referenceid":"r","RegisterID":"own""#,
        ])
    func otherContent(fields: String) throws {
        #expect(try Self.fingerprint(fields) != Self.fingerprint(#""operator":311,"canumber":"c","amount":10,"referenceid":"r""#))
    }

    @Test(
        "a purchase is mobile operator, subscriber and amount by value; reference, merchant and deadline do not count",
        arguments: [
            (#""operator":"311","canumber":"c","amount":"10.00","referenceid":"s","RegisterID":"own""#, true),
            (#""operator":311,"canumber":"c","amount":10,"referenceid":"r","expires_at":"2026-11-21T10:00:00Z""#, true),
            (#""operator":312,"canumber":"c","amount":10,"referenceid":"r""#, false),
            (#""operator":311,"canumber":"d","amount":10,"referenceid":"r""#, false),
            (#""operator":311,"canumber":"c","amount":10.01,"referenceid":"r""#, false),
        ])
    func samePurchase(fields: String, isSame: Bool) throws {
        func purchase(_ fields: String) throws -> [UInt8]? {
            try Jobs.incoming("{\(fields)}", type: "recharge").decode(Jobs.rules).job.purchase
        }
        let one = try #require(try purchase(#""operator":311,"canumber":"c","amount":10,"referenceid":"r""#))
        #expect(try (purchase(fields) == one) == isSame)
    }

    @Test("a value from the configuration is not part of the fingerprint, but part of the content")
    func configuredValues() throws {
        let left = Jobs.incoming(#"{"operator":311,"canumber":"c","amount":10,"referenceid":"r"}"#, type: "recharge")
        var other = Jobs.rules
        other.registerID = "another"
        #expect(try left.decode(Jobs.rules).fingerprint == left.decode(other).fingerprint)
        #expect(try !left.decode(Jobs.rules).job.hasSameContent(as: left.decode(other).job))
        let spelled = #"{"operator":311,"canumber":"c","amount":10,"referenceid":"r","RegisterID":"configured"}"#
        let same = try Jobs.incoming(spelled, type: "recharge").decode(Jobs.rules)
        #expect(try same.fingerprint != left.decode(Jobs.rules).fingerprint)
        #expect(try same.job.hasSameContent(as: left.decode(Jobs.rules).job))
    }

    @Test("a fingerprint is the same in every version, because it is stored")
    func stableFingerprint() throws {
        let hex = try Self.fingerprint(#""operator":311,"canumber":"c","amount":10,"referenceid":"r","RegisterID":"1""#)
            .map { String($0 / 16, radix: 16) + String($0 % 16, radix: 16) }.joined()
        // SHA-256 of {"operator":311,"canumber":"c","amount":10,"referenceid":"r","RegisterID":"1"}
        #expect(hex == "730b2e2906c716a025870c7c1a8dc42c303b458aa42a34f8e33a8d2ca68b9114")
    }

    @Test("the body of a job is read back as the same job, whatever the rules")
    func bodyRoundTrip() {
        var odd = Jobs.recharge
        odd.amount = Money(paise: .max)
        odd.registerID = String(repeating: "long", count: 100)
        odd.subscriber = "\"\\\u{1F600}"
        odd.expiresAt = Timestamp(milliseconds: -1)
        let jobs: [Job] = [
            .recharge(Jobs.recharge), .recharge(odd), .rechargeStatus(RechargeStatusQuery(reference: "r", registerID: "")),
            .rechargeStatus(RechargeStatusQuery(reference: "r", registerID: "1", expiresAt: Jobs.start)),
            .panStatus(PANStatusQuery(reference: "p")),
            .panStatus(PANStatusQuery(reference: "p", nepKey: "", domain: "d", partnerID: "x", nepID: "n", expiresAt: Jobs.start)),
        ]
        for job in jobs { #expect(Job(kind: job.kind, body: job.body) == job) }
    }

    @Test(
        "a text that is no stored body is not read",
        arguments: ["", "{}", "[]", #"{"referenceid":"r","RegisterID":"1","expires_at":"soon"}"#])
    func readsNoOtherBody(text: String) {
        for kind in JobKind.allCases { #expect(Job(kind: kind, body: Array(text.utf8)) == nil) }
    }
}
