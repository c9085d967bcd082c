import JobModel
import Testing

@testable import JobEngine

@Suite("Retry budget", .timeLimit(.minutes(1)))
struct RetryBudgetTests {
    private var budget = RetryBudget()

    private mutating func retries() -> Int {
        var count = 0
        while count < 1_000, budget.mayRetry() { count += 1 }
        return count
    }

    @Test("the budget starts with ten retries")
    mutating func initialBalance() { #expect(retries() == 10) }

    @Test("five first attempts pay for exactly one retry", arguments: [(4, 0), (5, 1), (49, 9), (50, 10), (475, 95)])
    mutating func shareOfFirstAttempts(attempts: Int, expected: Int) {
        _ = retries()
        for _ in 0..<attempts { budget.attempted() }
        #expect(retries() == expected)
    }

    @Test("the balance never exceeds a hundred retries, whatever it starts with")
    mutating func maximumBalance() {
        for _ in 0..<100_000 { budget.attempted() }
        #expect(retries() == 100)
        var configuration = RetryBudget.Configuration()
        configuration.initial = 1_000
        budget = RetryBudget(configuration)
        #expect(retries() == 100)
    }

    @Test("in any sequence, retries stay within the initial balance plus their share of first attempts", arguments: 0..<20)
    mutating func retryBounds(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var configuration = RetryBudget.Configuration()
        let percent = Int.random(in: 0...100, using: &generator)
        configuration.share = Double(percent) / 100
        configuration.initial = Int.random(in: 0...20, using: &generator)
        configuration.maximum = 1_000_000
        budget = RetryBudget(configuration)
        var (attempts, retries) = (0, 0)
        for _ in 0..<2_000 {
            if Bool.random(using: &generator) {
                budget.attempted()
                attempts += 1
            } else {
                let isPaid = configuration.initial * 100 + attempts * percent >= (retries + 1) * 100
                #expect(budget.mayRetry() == isPaid)
                retries += isPaid ? 1 : 0
            }
        }
        #expect(retries * 100 <= configuration.initial * 100 + attempts * percent)
    }
}
