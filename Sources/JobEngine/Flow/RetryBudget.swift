import Synchronization

/// Keeps retries to a share of the calls that are made anyway, so that a BOS in trouble does not get several times its load
/// (Finagle's `RetryBudget`; gRPC's retry throttling, proposal A6). Each first attempt deposits a part of a retry, each retry
/// withdraws a whole one.
package struct RetryBudget: Sendable {
    package struct Configuration: Sendable {
        /// Retries per first attempt in the long run, from 0 to 1, exact to a thousandth.
        package var share = 0.2
        /// Retries in the bank at the start, for a worker with few calls.
        package var initial = 10
        /// Retries that can be saved up at the most: what may come at once after a long time without trouble.
        package var maximum = 100

        package init() {}
    }

    /// In thousandths, like all amounts here and in gRPC: sums of fractions would drift.
    private var balance: Int
    private let deposit: Int
    private let maximum: Int

    package init(_ configuration: Configuration = Configuration()) {
        deposit = Int((configuration.share * 1_000).rounded())
        maximum = configuration.maximum * 1_000
        balance = min(configuration.initial * 1_000, maximum)
    }

    /// A call was sent for the first time.
    package mutating func attempted() { balance = min(balance + deposit, maximum) }

    /// Whether a call may be sent again; if so, that is paid for.
    package mutating func mayRetry() -> Bool {
        guard balance >= 1_000 else { return false }
        balance -= 1_000
        return true
    }
}

/// The retry budget of all jobs together.
final class SharedRetryBudget: Sendable {
    private let budget = Mutex(RetryBudget())

    /// A first attempt was made.
    func attempted() { budget.withLock { $0.attempted() } }

    /// Whether one more retry is within the budget; takes it out if so.
    func mayRetry() -> Bool { budget.withLock { $0.mayRetry() } }
}
