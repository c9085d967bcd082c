/// What a job asks for. The raw value is the name on the wire: routing key, property `type`, label of metrics.
package enum JobKind: String, Sendable, CaseIterable {
    /// Moves money.
    case recharge
    /// Asks what became of a recharge. Moves no money, may be repeated at will.
    case rechargeStatus = "recharge.status"
    /// Follows a PAN (tax card) application until it is decided. Moves no money.
    case panStatus = "pan.status"
}

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

/// Which queue a job goes on in, with a share of the work of its own: questions never wait behind money.
package enum JobLane: Sendable, CaseIterable {
    /// The next step may move money.
    case money
    /// The next step only asks.
    case questions
}

extension Job {
    /// Where the job goes on from a state: a recharge that may have been executed is only asked about, like any question.
    package static func lane(_ kind: JobKind, _ state: JobState) -> JobLane {
        kind == .recharge && state == .accepted ? .money : .questions
    }
}
