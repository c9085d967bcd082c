/// Pauses that grow from one failure to the next, with full jitter, so that a fleet does not come back in step.
package struct Backoff: Sendable {
    /// The bound of the first pause.
    package var initial: Duration = .milliseconds(250)
    /// The bound of every later pause.
    package var maximum: Duration = .seconds(15)

    package init() {}

    /// The pause after `failures` failures in a row: anywhere between nothing and a bound that doubles each time.
    func pause(afterFailures failures: Int, using generator: inout any RandomNumberGenerator) -> Duration {
        let doublings = min(max(failures - 1, 0), 20)
        let bound = min(initial * (1 << doublings), maximum)
        return bound * Double.random(in: 0..<1, using: &generator)
    }
}
