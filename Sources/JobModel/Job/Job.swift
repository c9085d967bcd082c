/// A job: a message that was decoded and has passed the rules.
package enum Job: Sendable, Equatable {
    case recharge(Recharge)
    case rechargeStatus(RechargeStatusQuery)
    case panStatus(PANStatusQuery)

    package var kind: JobKind {
        switch self {
        case .recharge: .recharge
        case .rechargeStatus: .rechargeStatus
        case .panStatus: .panStatus
        }
    }

    /// The upstream's own name for the job, unique among those of its kind: `referenceid` or `refid`.
    package var reference: String {
        switch self {
        case .recharge(let recharge): recharge.reference
        case .rechargeStatus(let query): query.reference
        case .panStatus(let query): query.reference
        }
    }

    /// The merchant's account at BOS; `nil` for a kind without one.
    package var registerID: String? {
        switch self {
        case .recharge(let recharge): recharge.registerID
        case .rechargeStatus(let query): query.registerID
        case .panStatus: nil
        }
    }

    /// From this moment on no new call is made to BOS for the job.
    package var expiresAt: Timestamp? {
        switch self {
        case .recharge(let recharge): recharge.expiresAt
        case .rechargeStatus(let query): query.expiresAt
        case .panStatus(let query): query.expiresAt
        }
    }

    /// The money that the job moves; zero for a question.
    package var amount: Money {
        switch self {
        case .recharge(let recharge): recharge.amount
        case .rechargeStatus, .panStatus: Money(paise: 0)
        }
    }
}

/// A mobile or DTH top-up. Source of the fields: bos-api.md#dorecharge.
package struct Recharge: Sendable, Equatable {
    /// BOS's number of the mobile or DTH operator.
    package var operatorID: Int64
    /// Subscriber or consumer number, `canumber`. Must never be logged.
    package var subscriber: String
    package var amount: Money
    package var reference: String
    /// The merchant's account at BOS, `RegisterID`: the job's own, else the configured one.
    package var registerID: String
    package var expiresAt: Timestamp?

    package init(
        operatorID: Int64, subscriber: String, amount: Money, reference: String, registerID: String, expiresAt: Timestamp? = nil
    ) {
        self.operatorID = operatorID
        self.subscriber = subscriber
        self.amount = amount
        self.reference = reference
        self.registerID = registerID
        self.expiresAt = expiresAt
    }
}

extension Recharge: CustomStringConvertible, CustomReflectable {
    /// Without the subscriber number.
    package var description: String { "recharge \(reference) of \(amount.rupees) rupees with operator \(operatorID)" }
    package var customMirror: Mirror { Mirror(self, children: ["reference": reference]) }
}

extension PANStatusQuery: CustomStringConvertible, CustomReflectable {
    /// Without the merchant's keys.
    package var description: String { "check of PAN application \(reference)" }
    package var customMirror: Mirror { Mirror(self, children: ["reference": reference]) }
}

/// A subscriber number with all but its last three characters hidden, for logs and pages: `DL12CB4685` becomes `***685`.
///
/// The number of asterisks is fixed, so that the length stays hidden too. A number of fewer than seven characters is hidden completely.
package func masked(_ subscriber: String) -> String {
    subscriber.count < 7 ? "***" : "***" + subscriber.suffix(3)
}

/// The question what became of a recharge. Source of the fields: bos-api.md#rechargesstatus.
package struct RechargeStatusQuery: Sendable, Equatable {
    package var reference: String
    package var registerID: String
    package var expiresAt: Timestamp?

    package init(reference: String, registerID: String, expiresAt: Timestamp? = nil) {
        self.reference = reference
        self.registerID = registerID
        self.expiresAt = expiresAt
    }
}

/// A PAN application whose decision is awaited. Source of the fields: bos-api.md#status. A field that is `nil` is filled in from the
/// configuration at each call.
package struct PANStatusQuery: Sendable, Equatable {
    package var reference: String
    package var nepKey: String?
    package var domain: String?
    package var partnerID: String?
    package var nepID: String?
    package var expiresAt: Timestamp?

    package init(
        reference: String, nepKey: String? = nil, domain: String? = nil, partnerID: String? = nil, nepID: String? = nil,
        expiresAt: Timestamp? = nil
    ) {
        self.reference = reference
        self.nepKey = nepKey
        self.domain = domain
        self.partnerID = partnerID
        self.nepID = nepID
        self.expiresAt = expiresAt
    }
}
