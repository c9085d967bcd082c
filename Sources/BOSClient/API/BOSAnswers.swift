package import JobModel

/// An answer to `DoRecharge` that can be relied on.
package struct RechargeAnswer: Sendable, Equatable {
    package var facts: BOSFacts
    package var meaning: RechargeMachine.Meaning

    package init(facts: BOSFacts, meaning: RechargeMachine.Meaning) {
        self.facts = facts
        self.meaning = meaning
    }
}

/// An answer to `RechargesStatus` that can be relied on.
package struct EnquiryAnswer: Sendable, Equatable {
    package var facts: BOSFacts
    package var finding: RechargeMachine.Finding
    /// What the answer names of the recharge that it speaks of.
    package var subject: Subject

    package init(facts: BOSFacts, finding: RechargeMachine.Finding, subject: Subject = Subject()) {
        self.facts = facts
        self.finding = finding
        self.subject = subject
    }
}

/// An answer to `Status` that can be relied on.
package struct PANAnswer: Sendable, Equatable {
    package var facts: BOSFacts
    package var finding: PANStatusMachine.Finding

    package init(facts: BOSFacts, finding: PANStatusMachine.Finding) {
        self.facts = facts
        self.finding = finding
    }
}
