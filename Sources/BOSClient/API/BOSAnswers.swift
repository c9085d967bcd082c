/// An answer to `DoRecharge` that can be relied on.
package struct RechargeAnswer: Sendable, Equatable {
    package enum Meaning: Sendable, Equatable {
        case done
        /// Taken, not finished: enquire, never send again.
        case accepted
        /// The reference was used before: the answer to an enquiry is the answer to the job.
        case duplicateReference
        /// Refused, as far as this answer goes. Unless `isFinal`, an enquiry has to confirm it.
        case refused(code: Int?, isFinal: Bool)
    }

    package var facts: BOSFacts
    package var meaning: Meaning

    package init(facts: BOSFacts, meaning: Meaning) {
        self.facts = facts
        self.meaning = meaning
    }
}

/// An answer to `RechargesStatus` that can be relied on.
package struct EnquiryAnswer: Sendable, Equatable {
    package enum Verdict: Sendable, Equatable {
        case succeeded
        case failed(refunded: Bool)
        case pending
        /// BOS does not know the reference. Right after a time-out that proves nothing.
        case notFound
        /// Status false with a code of unknown meaning: it may be the recharge that BOS has refused, or this question.
        case declined
    }

    package var facts: BOSFacts
    package var verdict: Verdict
    /// Whether the answer holds a `data` object with at least one member that is not null. The outer status then speaks of the question.
    package var hasData: Bool
    package var named: NamedRecharge

    package init(facts: BOSFacts, verdict: Verdict, hasData: Bool = false, named: NamedRecharge = NamedRecharge()) {
        self.facts = facts
        self.verdict = verdict
        self.hasData = hasData
        self.named = named
    }
}

/// What an answer to an enquiry says about which recharge it speaks of, as BOS sent it. Never for a log.
package struct NamedRecharge: Sendable, Equatable {
    /// `refid`: our reference, or a number of BOS's own; `nil` if there is none.
    package var reference: String?
    /// `canumber`, the subscriber number; `nil` if there is none.
    package var subscriber: String?
    /// `amount` in rupees, as text; `nil` if there is none.
    package var amount: String?

    package init(reference: String? = nil, subscriber: String? = nil, amount: String? = nil) {
        self.reference = reference
        self.subscriber = subscriber
        self.amount = amount
    }
}

extension NamedRecharge: CustomStringConvertible, CustomReflectable {
    /// Without the subscriber number.
    package var description: String {
        let names = [("refid", reference), ("canumber", subscriber), ("amount", amount)].filter { $0.1 != nil }.map(\.0)
        return names.isEmpty ? "no recharge named" : "named by \(names.joined(separator: ", "))"
    }
    package var customMirror: Mirror { Mirror(self, children: ["names": description]) }
}

/// An answer to `Status` that can be relied on.
package struct PANAnswer: Sendable, Equatable {
    package enum Verdict: Sendable, Equatable {
        case completed
        case pending
        case rejected
        /// A business error, such as "Duplicate RefID", with BOS's code if it sent one.
        case failed(code: Int?)
    }

    package var facts: BOSFacts
    package var verdict: Verdict

    package init(facts: BOSFacts, verdict: Verdict) {
        self.facts = facts
        self.verdict = verdict
    }
}
