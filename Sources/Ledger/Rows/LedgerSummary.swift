package import JobModel

/// Counts and ages over all jobs, for metrics and reports.
package struct LedgerSummary: Sendable, Equatable {
    package struct Key: Sendable, Hashable {
        package var kind: JobKind
        package var state: JobState

        package init(_ kind: JobKind, in state: JobState) {
            self.kind = kind
            self.state = state
        }
    }

    /// How many jobs of each kind are in each state. A missing key means 0.
    package var stored: [Key: Int] = [:]
    /// When the oldest recharge that is in doubt or parked was first sent.
    package var oldestDoubt: Timestamp?
    /// The amount of all jobs that are in doubt or parked.
    package var doubtAmount = Money(paise: 0)
    /// The earliest due time of all jobs that wait in the ledger, in the past or the future; `nil` if none waits.
    package var oldestDue: Timestamp?
    package var unpublishedReplies = 0

    /// The summary of an empty ledger.
    package init() {}
}

/// The PAN applications that BOS has not decided yet.
package struct PendingApplications: Sendable, Equatable {
    package var count = 0
    /// When the longest pending one was accepted.
    package var oldest: Timestamp?
    /// The earliest time at which BOS is asked about one of them, in the past or the future; `nil` while none waits for its time.
    package var nextDue: Timestamp?

    package init() {}
}

/// How many recharges may have been executed, and their amount.
package struct DoubtTotal: Sendable, Equatable {
    package var count: Int
    package var amount: Money

    package init(count: Int = 0, amount: Money = Money(paise: 0)) {
        self.count = count
        self.amount = amount
    }
}
