internal import ExactJSON
internal import JobModel
internal import Secrets

extension Recharge {
    /// The body of `DoRecharge`.
    var body: [UInt8] {
        JSONValue.object([
            .init("operator", .number(String(operatorID))),
            .init("canumber", .string(subscriber)),
            .init("amount", .number(amount.rupees)),
            .init("referenceid", .string(reference)),
            .init("RegisterID", .string(registerID)),
        ]).encoded
    }
}

extension PANStatusQuery {
    /// The body of `Status`; a field that neither the job nor the configuration has is left out.
    func body(_ configuration: BOSConfiguration.PAN) -> [UInt8] {
        let optional = [
            ("nep_key", nepKey ?? configuration.nepKey?.revealed), ("domain", domain ?? configuration.domain),
            ("partnerId", partnerID ?? configuration.partnerID), ("nep_id", nepID ?? configuration.nepID),
        ]
        var members: [JSONValue.Member] = [.init("refid", .string(reference))]
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
