import Crypto
import ExactJSON

extension Job {
    /// A digest of what is sent to BOS, compared by value: `10` and `"10.00"` are the same amount, `expires_at` is no content.
    ///
    /// The same reference with another fingerprint is another job and is refused. SHA-256, 32 bytes.
    package var fingerprint: [UInt8] { Array(SHA256.hash(data: JSONValue.object(content).encoded)) }

    /// The job as a message body that decodes to this job again, with every default filled in.
    package var body: [UInt8] {
        let deadline = expiresAt.map { [JSONValue.Member("expires_at", .string($0.rfc3339))] } ?? []
        return JSONValue.object(content + deadline).encoded
    }

    private var content: [JSONValue.Member] {
        switch self {
        case .recharge(let recharge):
            [
                .init("operator", .number(String(recharge.operatorID))),
                .init("canumber", .string(recharge.subscriber)),
                .init("amount", .number(recharge.amount.rupees)),
                .init("referenceid", .string(recharge.reference)),
                .init("RegisterID", .string(recharge.registerID)),
            ]
        case .rechargeStatus(let query):
            [.init("referenceid", .string(query.reference)), .init("RegisterID", .string(query.registerID))]
        case .panStatus(let query):
            [JSONValue.Member("refid", .string(query.reference))]
                + [("nep_key", query.nepKey), ("domain", query.domain), ("partnerId", query.partnerID), ("nep_id", query.nepID)]
                .compactMap { name, value in value.map { JSONValue.Member(name, .string($0)) } }
        }
    }
}
