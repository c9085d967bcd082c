/// What a job asks for. The raw value is the name on the wire: routing key, property `type`, label of metrics.
package enum JobKind: String, Sendable, CaseIterable {
    /// Moves money.
    case recharge
    /// Queries BOS for the state of a recharge. Moves no money and may be repeated.
    case rechargeStatus = "recharge.status"
    /// Queries BOS for a PAN (tax card) application until it is decided. Moves no money.
    case panStatus = "pan.status"
}

extension JobKind {
    /// The kind that a property `type` or a routing key names. Upper case and other separators are accepted: `Recharge`, `recharge_status`,
    /// `PAN-Status`. `nil` for any other name, such as one that a framework sets.
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

    /// The names of the fields of a job of this kind. Source: publishing.md#a-job.
    var fields: [String] {
        switch self {
        case .recharge: ["operator", "canumber", "amount", "referenceid", "RegisterID", "expires_at"]
        case .rechargeStatus: ["referenceid", "RegisterID", "expires_at"]
        case .panStatus: ["refid", "nep_key", "domain", "partnerId", "nep_id", "expires_at"]
        }
    }
}

/// The queue that a job waits in. Each lane has its own share of the work, so that questions never wait behind recharges.
/// The raw value is stored with a hold.
package enum JobLane: String, Sendable, CaseIterable {
    /// The next step may move money.
    case money
    /// The next step only queries BOS.
    case questions
}

extension Job {
    /// The lane in which a job of that kind goes on. A recharge that may have been executed is only queried, so it belongs to the
    /// questions.
    package static func lane(_ kind: JobKind, in state: JobState) -> JobLane {
        kind == .recharge && state == .accepted ? .money : .questions
    }
}
