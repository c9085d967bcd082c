/// One recharge as BOS is to be sent it. Everything was checked before; what is no number here is not sent at all.
package struct RechargeRequest: Sendable {
    /// The operator's id: an integer's digits.
    package var operatorID: String
    /// The subscriber or consumer number; never in a log.
    package var subscriber: String
    /// Rupees as the text of a decimal number, `10` or `10.50`.
    package var amount: String
    /// Ours, unique for each recharge.
    package var reference: String
    /// Ours, one for each merchant.
    package var registerID: String

    package init(operatorID: String, subscriber: String, amount: String, reference: String, registerID: String) {
        self.operatorID = operatorID
        self.subscriber = subscriber
        self.amount = amount
        self.reference = reference
        self.registerID = registerID
    }
}

extension RechargeRequest: CustomStringConvertible, CustomReflectable {
    /// Without the subscriber number.
    package var description: String { "recharge \(reference) of \(amount) rupees with operator \(operatorID)" }
    package var customMirror: Mirror { Mirror(self, children: ["reference": reference]) }
}

/// One check of a PAN application; a field that is `nil` is taken from the configuration.
package struct PANStatusRequest: Sendable {
    /// The reference that was given when the application was started.
    package var refID: String
    package var nepKey: String?
    package var domain: String?
    package var partnerID: String?
    package var nepID: String?

    package init(refID: String, nepKey: String? = nil, domain: String? = nil, partnerID: String? = nil, nepID: String? = nil) {
        self.refID = refID
        self.nepKey = nepKey
        self.domain = domain
        self.partnerID = partnerID
        self.nepID = nepID
    }
}

extension PANStatusRequest: CustomStringConvertible, CustomReflectable {
    /// Without the merchant's keys.
    package var description: String { "check of PAN application \(refID)" }
    package var customMirror: Mirror { Mirror(self, children: ["refID": refID]) }
}
