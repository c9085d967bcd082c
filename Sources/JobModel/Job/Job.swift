/// A job that was understood and may be worked on.
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

    /// The upstream's own name for what is asked, unique within a kind: `referenceid` or `refid`.
    package var reference: String {
        switch self {
        case .recharge(let recharge): recharge.reference
        case .rechargeStatus(let query): query.reference
        case .panStatus(let query): query.reference
        }
    }

    /// Ours as a merchant; `nil` for a kind that has none.
    package var registerID: String? {
        switch self {
        case .recharge(let recharge): recharge.registerID
        case .rechargeStatus(let query): query.registerID
        case .panStatus: nil
        }
    }

    /// After this moment nothing new is sent to BOS.
    package var expiresAt: Timestamp? {
        switch self {
        case .recharge(let recharge): recharge.expiresAt
        case .rechargeStatus(let query): query.expiresAt
        case .panStatus(let query): query.expiresAt
        }
    }

    /// The money at stake; zero for a question.
    package var amount: Money {
        switch self {
        case .recharge(let recharge): recharge.amount
        case .rechargeStatus, .panStatus: Money(paise: 0)
        }
    }
}

/// A mobile or DTH top-up. Source of the fields: bos-api.md#dorecharge.
package struct Recharge: Sendable, Equatable {
    /// BOS's number of the operator.
    package var operatorID: Int64
    /// Subscriber or consumer number, `canumber`. Never to be logged.
    package var subscriber: String
    package var amount: Money
    package var reference: String
    /// Ours as a merchant, `RegisterID`: the job's own, else the configured one.
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

/// A subscriber number with all but its last three characters hidden, for logs and pages: `DL12CB4685` becomes `***685`.
///
/// The number of asterisks is fixed, so the length stays hidden too. A number too short to stay secret with three characters
/// shown is hidden whole.
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

/// A PAN application to follow. Source of the fields: bos-api.md#status.
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
