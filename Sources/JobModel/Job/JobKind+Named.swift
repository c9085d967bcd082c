extension JobKind {
    /// The kind that a property `type` or a routing key names, also in another case or with other marks between the words: `Recharge`,
    /// `recharge_status`, `PAN-Status`. `nil` for any other name, such as one that a framework has put there.
    init?(named name: String?) {
        guard let name else { return nil }
        if let kind = JobKind(rawValue: name) {
            self = kind
            return
        }
        let plain = name.lowercased().filter { !"._- ".contains($0) }
        guard let kind = Self.allCases.first(where: { $0.rawValue.filter { $0 != "." } == plain }) else { return nil }
        self = kind
    }

    /// The fields of a job of this kind. Source: publishing.md#a-job.
    var fields: [String] {
        switch self {
        case .recharge: ["operator", "canumber", "amount", "referenceid", "RegisterID", "expires_at"]
        case .rechargeStatus: ["referenceid", "RegisterID", "expires_at"]
        case .panStatus: ["refid", "nep_key", "domain", "partnerId", "nep_id", "expires_at"]
        }
    }
}
