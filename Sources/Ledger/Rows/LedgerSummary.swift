package import JobModel

/// Counts and ages over all jobs, for metrics and people.
package struct LedgerSummary: Sendable, Equatable {
    package struct Key: Sendable, Hashable {
        package var kind: JobKind
        package var state: JobState

        package init(_ kind: JobKind, _ state: JobState) {
            self.kind = kind
            self.state = state
        }
    }

    /// How many jobs are in which state; absent means none.
    package var stored: [Key: Int] = [:]
    /// When the oldest recharge that is in doubt was first sent, and the money in doubt; what is parked for a person among it.
    package var oldestDoubt: Timestamp?
    package var doubtAmount = Money(paise: 0)
    /// The earliest due time among the jobs that wait in the ledger, whether it has come or not; `nil` if none waits.
    package var oldestDue: Timestamp?
    package var unpublishedReplies = 0

    package init() {}
}
