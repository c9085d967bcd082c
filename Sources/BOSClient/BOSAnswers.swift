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

    package init(facts: BOSFacts, verdict: Verdict) {
        self.facts = facts
        self.verdict = verdict
    }
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
