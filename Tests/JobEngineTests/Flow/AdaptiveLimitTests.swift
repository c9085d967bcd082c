import JobModel
import Testing

@testable import JobEngine

@Suite("Adaptive limit", .timeLimit(.minutes(1)))
struct AdaptiveLimitTests {
    private var limit = AdaptiveLimit(AdaptiveLimit.Configuration(maximum: 100))

    /// Calls that succeed while the limit is fully used.
    private mutating func succeed(times: Int, after latency: Duration = .seconds(1)) {
        for _ in 0..<times { limit.record(.success, latency: latency, inFlight: limit.limit, at: .zero) }
    }

    private mutating func overload(at now: Duration) {
        limit.record(.overload, latency: .seconds(1), inFlight: limit.limit, at: now)
    }

    @Test("the limit starts at the maximum and does not grow beyond it")
    mutating func startsAtMaximum() {
        #expect(limit.limit == 100)
        succeed(times: 1_000)
        #expect(limit.limit == 100)
    }

    @Test("each second of overload lowers the limit to 70 percent, never below the minimum")
    mutating func decreasesToMinimum() {
        var limits: [Int] = []
        for second in 0..<12 {
            overload(at: .seconds(second))
            limits.append(limit.limit)
        }
        #expect(limits == [70, 49, 34, 23, 16, 11, 7, 4, 4, 4, 4, 4])
    }

    @Test("calls that fail within one second lower the limit once")
    mutating func decreasesOnceASecond() {
        for millisecond in 0..<1_000 { overload(at: .milliseconds(5_000 + millisecond)) }
        #expect(limit.limit == 70)
        overload(at: .seconds(6))
        #expect(limit.limit == 49)
    }

    @Test("a success above the latency target counts as overload")
    mutating func slowSuccessIsOverload() {
        succeed(times: 100, after: .seconds(10))
        #expect(limit.limit == 100)
        succeed(times: 1, after: .milliseconds(10_001))
        #expect(limit.limit == 70)
    }

    @Test("the limit grows by one after as many successes as it allows calls in flight")
    mutating func increasesByOne() {
        overload(at: .seconds(1))
        succeed(times: 69)
        #expect(limit.limit == 70)
        succeed(times: 1)
        #expect(limit.limit == 71)
        succeed(times: 70)
        #expect(limit.limit == 71)
        succeed(times: 1)
        #expect(limit.limit == 72)
    }

    @Test("a decrease resets the count of successes")
    mutating func decreaseResetsSuccesses() {
        overload(at: .seconds(1))
        succeed(times: 69)
        overload(at: .seconds(2))
        succeed(times: 48)
        #expect(limit.limit == 49)
        succeed(times: 1)
        #expect(limit.limit == 50)
    }

    @Test("the limit grows only while at least half of it is used", arguments: [(34, 70), (35, 71)])
    mutating func growsOnlyInUse(inFlight: Int, expected: Int) {
        overload(at: .seconds(1))
        for _ in 0..<70 { limit.record(.success, latency: .zero, inFlight: inFlight, at: .seconds(2)) }
        #expect(limit.limit == expected)
    }

    @Test("a maximum below the minimum wins, and one call is always allowed", arguments: [(2, 2), (1, 1), (0, 1), (-5, 1)])
    mutating func smallMaximum(maximum: Int, expected: Int) {
        limit = AdaptiveLimit(AdaptiveLimit.Configuration(maximum: maximum))
        #expect(limit.limit == expected)
        overload(at: .seconds(1))
        #expect(limit.limit == expected)
    }

    @Test("in any sequence, the limit stays within its bounds, grows by one and shrinks once a second", arguments: 0..<20)
    mutating func limitBounds(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var configuration = AdaptiveLimit.Configuration(maximum: Int.random(in: 4...64, using: &generator))
        configuration.minimum = Int.random(in: 1...configuration.maximum, using: &generator)
        limit = AdaptiveLimit(configuration)
        var (now, lastDecrease) = (Duration.zero, Duration.seconds(-1))
        for _ in 0..<2_000 {
            now += .milliseconds(Int.random(in: 0...50, using: &generator))
            let before = limit.limit
            let load = Int.random(in: 0..<100, using: &generator) == 0 ? AdaptiveLimit.LoadSignal.overload : .success
            let latency = Duration.milliseconds(Int.random(in: 0...10_010, using: &generator))
            limit.record(load, latency: latency, inFlight: Int.random(in: 1...before, using: &generator), at: now)
            #expect((configuration.minimum...configuration.maximum).contains(limit.limit))
            #expect(limit.limit <= before + 1)
            if limit.limit < before {
                #expect(now - lastDecrease >= .seconds(1))
                lastDecrease = now
            }
        }
    }
}
