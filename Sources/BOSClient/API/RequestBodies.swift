internal import ExactJSON
internal import Secrets

extension RechargeRequest {
    /// The body of `DoRecharge`; `nil` if a number is not spelled as one, which the job's checks should have refused before.
    var body: [UInt8]? {
        guard operatorID.isDecimalNumber(withFraction: false), amount.isDecimalNumber(withFraction: true) else { return nil }
        return JSONValue.object([
            .init("operator", .number(operatorID)),
            .init("canumber", .string(subscriber)),
            .init("amount", .number(amount)),
            .init("referenceid", .string(reference)),
            .init("RegisterID", .string(registerID)),
        ]).encoded
    }
}

extension PANStatusRequest {
    /// The body of `Status`; a field that neither the job nor the configuration has is left out.
    func body(_ configuration: BOSConfiguration.PAN) -> [UInt8] {
        let optional = [
            ("nep_key", nepKey ?? configuration.nepKey?.revealed), ("domain", domain ?? configuration.domain),
            ("partnerId", partnerID ?? configuration.partnerID), ("nep_id", nepID ?? configuration.nepID),
        ]
        var members: [JSONValue.Member] = [.init("refid", .string(refID))]
        for case (let name, let value?) in optional { members.append(.init(name, .string(value))) }
        return JSONValue.object(members).encoded
    }
}

extension BOSConfiguration.Enquiry {
    /// The body of `RechargesStatus`.
    func body(reference: String, registerID: String) -> [UInt8] {
        JSONValue.object([.init(registrationField, .string(registerID)), .init(referenceField, .string(reference))]).encoded
    }
}

extension String {
    /// Digits that JSON takes as they are (no leading zero), with a fraction if that is allowed.
    fileprivate func isDecimalNumber(withFraction: Bool) -> Bool {
        let whole = utf8.prefix { $0 != UInt8(ascii: ".") }
        let fraction = utf8.dropFirst(whole.count)
        guard Self.areDigits(whole), whole.count == 1 || whole.first != UInt8(ascii: "0") else { return false }
        return fraction.isEmpty || (withFraction && Self.areDigits(fraction.dropFirst()))
    }

    private static func areDigits(_ text: Substring.UTF8View) -> Bool {
        !text.isEmpty && text.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
