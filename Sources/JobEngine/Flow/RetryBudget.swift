import Synchronization

/// Limits retries to a share of the first attempts, so that a failing BOS does not get several times its usual load (Finagle's
/// `RetryBudget`; gRPC's retry throttling, proposal A6). Each first attempt deposits a part of a retry, each retry withdraws a whole one.
package struct RetryBudget: Sendable {
    package struct Configuration: Sendable {
        /// Retries per first attempt in the long run, from 0 to 1, exact to a thousandth.
        package var share = 0.2
        /// The balance at the start, in retries, for a worker with few calls.
        package var initial = 10
        /// The highest balance, in retries: how many may come at once after a long time without trouble.
        package var maximum = 100

        package init() {}
    }

    /// In thousandths of a retry, like all amounts here and in gRPC: sums of fractions would drift.
    private var balance: Int
    private let deposit: Int
    private let maximum: Int

    package init(_ configuration: Configuration = Configuration()) {
        deposit = Int((configuration.share * 1_000).rounded())
        maximum = configuration.maximum * 1_000
        balance = min(configuration.initial * 1_000, maximum)
    }

    /// Deposits for a first attempt.
    package mutating func attempted() { balance = min(balance + deposit, maximum) }

    /// Withdraws a retry.
    /// - Returns: whether the balance allowed it. If not, the call must not be retried.
    package mutating func mayRetry() -> Bool {
        guard balance >= 1_000 else { return false }
        balance -= 1_000
        return true
    }
}

/// The retry budget that all jobs of a process share.
final class SharedRetryBudget: Sendable {
    private let budget = Mutex(RetryBudget())

    /// Deposits for a first attempt.
    func attempted() { budget.withLock { $0.attempted() } }

    /// Withdraws a retry, if the balance allows it.
    func mayRetry() -> Bool { budget.withLock { $0.mayRetry() } }
}
