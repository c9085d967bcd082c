import JobModel
import Testing

@testable import JobEngine

@Suite("Rate limit", .timeLimit(.minutes(1)))
struct RateLimitTests {
    private func limit(_ perSecond: Double?) -> RateLimit { RateLimit(RateLimit.Configuration(perSecond: perSecond)) }

    /// Tokens that can be taken at one moment.
    private func taken(from limit: inout RateLimit, reserving reserve: Double = 0, at now: Duration) -> Int {
        var count = 0
        while count < 10_000, limit.take(reserving: reserve, at: now) == .zero { count += 1 }
        return count
    }

    @Test("without a rate no call waits, whatever the reserve")
    func withoutRate() {
        var limit = limit(nil)
        #expect(taken(from: &limit, at: .zero) == 10_000)
        #expect(taken(from: &limit, reserving: limit.moneyReserve, at: .zero) == 10_000)
    }

    @Test("one second's worth of calls passes at once, and at least one call", arguments: [(100, 100), (2.5, 2), (1, 1), (0.1, 1)])
    func burstSize(perSecond: Double, expected: Int) {
        var limit = limit(perSecond)
        #expect(limit.burst == max(perSecond, 1))
        #expect(taken(from: &limit, at: .seconds(1_000)) == expected)
        #expect(taken(from: &limit, at: .seconds(2_000)) == expected, "a long rest does not fill the bucket beyond that")
    }

    @Test("after the burst a call waits for the time of one token, and a call that has to wait takes no token")
    func waitAfterBurst() {
        var limit = limit(4)
        #expect(taken(from: &limit, at: .seconds(9)) == 4)
        for _ in 0..<3 { #expect(limit.take(reserving: 0, at: .seconds(9)) == .milliseconds(250)) }
        #expect(limit.take(reserving: 0, at: .milliseconds(9_100)) == .milliseconds(150))
        #expect(limit.take(reserving: 0, at: .milliseconds(9_250)) == .zero)
        #expect(limit.take(reserving: 0, at: .milliseconds(9_250)) == .milliseconds(250))
    }

    @Test("recharges leave a tenth of the burst to questions")
    func moneyReserve() {
        var limit = limit(50)
        #expect(limit.moneyReserve == 5)
        #expect(taken(from: &limit, reserving: limit.moneyReserve, at: .seconds(1)) == 45)
        #expect(limit.take(reserving: limit.moneyReserve, at: .seconds(1)) == .milliseconds(20))
        #expect(taken(from: &limit, at: .seconds(1)) == 5)
        #expect(limit.take(reserving: limit.moneyReserve, at: .seconds(1)) == .milliseconds(120))
    }

    @Test(
        "a recharge passes a full bucket, however small the bucket and however large the reserve",
        arguments: [0.01, 1, 1.05, 1.5, 2, 3, 1_000])
    func reserveIsAttainable(perSecond: Double) {
        for reserve in [limit(perSecond).moneyReserve, 1, 1_000_000, .infinity] {
            var limit = limit(perSecond)
            #expect(limit.take(reserving: reserve, at: .zero) == .zero)
            let wait = limit.take(reserving: .infinity, at: .zero)
            #expect(wait > .zero && wait <= .seconds(1 / perSecond))
        }
    }

    @Test("no sequence of calls exceeds rate times time plus burst, and the returned wait is enough", arguments: 0..<20)
    func rateBounds(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let perSecond = Double.random(in: 0.3...300, using: &generator)
        var limit = limit(perSecond)
        var now = Duration.seconds(Int.random(in: 0...1_000_000, using: &generator))
        var times: [Duration] = []
        for _ in 0..<250 {
            let reserve = Bool.random(using: &generator) ? 0 : limit.moneyReserve
            let wait = limit.take(reserving: reserve, at: now)
            if wait > .zero {
                guard Bool.random(using: &generator) else {
                    now += wait * Double.random(in: 0...1.5, using: &generator)
                    continue
                }
                #expect(limit.take(reserving: reserve, at: now + wait - .nanoseconds(1)) > .zero, "the returned wait is longer than needed")
                now += wait
                #expect(limit.take(reserving: reserve, at: now) == .zero)
            }
            times.append(now)
            if Int.random(in: 0..<50, using: &generator) == 0 { now += .seconds(Int.random(in: 0...3, using: &generator)) }
        }
        #expect(times.count > 50)
        for (index, first) in times.enumerated() {
            for (count, last) in zip(1..., times[index...])
            where Double(count) > (last - first) / .seconds(1) * perSecond + limit.burst + 1e-6 {
                Issue.record("\(count) calls from \(first) to \(last) at \(perSecond) per second")
            }
        }
    }
}
