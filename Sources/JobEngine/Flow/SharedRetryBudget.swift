import Synchronization

/// The retry budget of all jobs together.
final class SharedRetryBudget: Sendable {
    private let budget = Mutex(RetryBudget())

    /// A first attempt was made.
    func attempted() { budget.withLock { $0.attempted() } }

    /// Whether one more retry is within the budget; takes it out if so.
    func mayRetry() -> Bool { budget.withLock { $0.mayRetry() } }
}
