import Crypto
import ExactJSON

extension Job {
    /// A digest of the values that are sent to BOS: `10` and `"10.00"` are the same amount, and `expires_at` does not count.
    ///
    /// A job with a known reference and another fingerprint is refused. SHA-256, 32 bytes.
    package var fingerprint: [UInt8] { Self.digest(content) }

    /// The digest of only those fields that the message itself had. A value that comes from the configuration does not count.
    func fingerprint(of isBrought: (_ field: String) -> Bool) -> [UInt8] { Self.digest(content.filter { isBrought($0.name) }) }

    private static func digest(_ content: [JSONValue.Member]) -> [UInt8] { Array(SHA256.hash(data: JSONValue.object(content).encoded)) }

    /// A digest of what makes two recharges the same purchase: mobile operator, subscriber and amount. `nil` if the job moves no money.
    package var purchase: [UInt8]? {
        guard case .recharge = self else { return nil }
        return Self.digest(content.filter { ["operator", "canumber", "amount"].contains($0.name) })
    }

    /// Whether the same values are sent to BOS for both jobs.
    package func hasSameContent(as other: Job) -> Bool { kind == other.kind && content == other.content }

    /// The job as a message body with all defaults filled in. ``init(kind:body:)`` reads it back.
    package var body: [UInt8] {
        let deadline = expiresAt.map { [JSONValue.Member("expires_at", .string($0.rfc3339))] } ?? []
        return JSONValue.object(content + deadline).encoded
    }

    /// Reads ``body`` back. The rules are not applied again: an accepted job stays readable under any configuration.
    /// - Returns: `nil` if this program has not written the body.
    package init?(kind: JobKind, body: [UInt8]) {
        guard let json = try? JSONValue.parse(body) else { return nil }
        let expiresAt = json["expires_at"]?.text.flatMap(Timestamp.init(rfc3339:))
        guard (json["expires_at"] == nil) == (expiresAt == nil) else { return nil }
        let registerID = json["RegisterID"]?.text
        switch kind {
        case .recharge:
            guard let operatorID = json["operator"]?.text.flatMap({ Int64($0) }), let subscriber = json["canumber"]?.text,
                let amount = json["amount"]?.text.flatMap(Money.init(rupees:)), let reference = json["referenceid"]?.text,
                let registerID
            else { return nil }
            self = .recharge(
                Recharge(
                    operatorID: operatorID, subscriber: subscriber, amount: amount, reference: reference, registerID: registerID,
                    expiresAt: expiresAt))
        case .rechargeStatus:
            guard let reference = json["referenceid"]?.text, let registerID else { return nil }
            self = .rechargeStatus(RechargeStatusQuery(reference: reference, registerID: registerID, expiresAt: expiresAt))
        case .panStatus:
            guard let reference = json["refid"]?.text else { return nil }
            self = .panStatus(
                PANStatusQuery(
                    reference: reference, nepKey: json["nep_key"]?.text, domain: json["domain"]?.text,
                    partnerID: json["partnerId"]?.text, nepID: json["nep_id"]?.text, expiresAt: expiresAt))
        }
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
