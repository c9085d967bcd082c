import Testing

@testable import AMQP

@Suite("reconnecting", .timeLimit(.minutes(1)))
struct ReconnectPolicyTests {
    /// Always draws the same number: all bits set gives the top of a range, no bits its bottom.
    private struct Fixed: RandomNumberGenerator {
        let value: UInt64
        mutating func next() -> UInt64 { value }
    }

    @Test("the bound of the pause doubles with each failure up to the maximum, and the pause is random below it")
    func pauseBoundDoublesUpToMaximum() {
        var backoff = Backoff()
        backoff.initial = .seconds(1)
        backoff.maximum = .seconds(5)
        var (top, bottom): (any RandomNumberGenerator, any RandomNumberGenerator) = (Fixed(value: .max), Fixed(value: 0))
        let bounds: [(Int, Duration)] = [
            (0, .seconds(1)), (1, .seconds(1)), (2, .seconds(2)), (3, .seconds(4)), (4, .seconds(5)), (1000, .seconds(5)),
        ]
        for (failures, bound) in bounds {
            #expect(backoff.pause(afterFailures: failures, using: &bottom) == .zero)
            let pause = backoff.pause(afterFailures: failures, using: &top)
            #expect(pause <= bound && pause > bound * 0.99)
        }
    }

    @Test("every URL is tried before a pause, and a session counts as a success only if it lasts")
    func everyURLIsTriedBeforePause() {
        var policy = ReconnectPolicy(urls: 2, stableAfter: .seconds(15))
        func after(ready wasReady: Bool, lifetime: Duration) -> [Int?] {
            policy.record(wasReady: wasReady, after: lifetime)
            return [policy.nextURL, policy.failuresBeforePause]
        }
        #expect(after(ready: false, lifetime: .zero) == [1, nil])
        #expect(after(ready: false, lifetime: .zero) == [0, 1])
        #expect(after(ready: false, lifetime: .zero) == [1, nil])
        #expect(after(ready: false, lifetime: .zero) == [0, 2])
        #expect(after(ready: true, lifetime: .seconds(15)) == [0, 1])
        #expect(after(ready: true, lifetime: .seconds(14)) == [0, 2])
        #expect(after(ready: false, lifetime: .seconds(99)) == [1, nil])
        #expect(after(ready: true, lifetime: .seconds(14)) == [0, 3])
        #expect(after(ready: true, lifetime: .seconds(15)) == [0, 1])
    }
}
