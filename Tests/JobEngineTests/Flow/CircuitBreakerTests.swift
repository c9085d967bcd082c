import JobModel
import Testing

@testable import JobEngine

@Suite("Circuit breaker", .timeLimit(.minutes(1)))
struct CircuitBreakerTests {
    private var breaker = CircuitBreaker()

    private mutating func record(_ result: CircuitBreaker.CallResult, times: Int, at now: Duration) {
        for _ in 0..<times { breaker.record(result, at: now) }
    }

    /// Opens the breaker at that time. Returns how long it stays open, in steps of a tenth of a second.
    private mutating func openInterval(from now: Duration) -> Duration {
        record(.failure, times: 10, at: now)
        return timeToProbe(from: now)
    }

    private mutating func timeToProbe(from now: Duration) -> Duration {
        #expect(breaker.state == .open)
        var time = Duration.zero
        while !breaker.beginProbe(at: now + time), time < .seconds(600) { time += .milliseconds(100) }
        return time
    }

    @Test("the raw values of the states are those of the metric")
    func stateRawValues() {
        #expect([CircuitBreaker.State.closed, .halfOpen, .open].map(\.rawValue) == [0, 1, 2])
    }

    @Test("the breaker opens with the tenth call if half of them failed, not before")
    mutating func opensAtMinimumCalls() {
        record(.success, times: 5, at: .seconds(1))
        record(.failure, times: 4, at: .seconds(2))
        #expect(breaker.state == .closed)
        record(.failure, times: 1, at: .seconds(3))
        #expect(breaker.state == .open)
    }

    @Test("nine failed calls do not open the breaker")
    mutating func tooFewCalls() {
        record(.failure, times: 9, at: .seconds(1))
        #expect(breaker.state == .closed)
    }

    @Test("the breaker stays closed while less than half of the calls fail")
    mutating func fewFailures() {
        record(.success, times: 51, at: .seconds(1))
        record(.failure, times: 49, at: .seconds(1))
        #expect(breaker.state == .closed)
    }

    @Test("a call that finished before the window no longer counts")
    mutating func windowSlides() {
        record(.failure, times: 9, at: .seconds(1))
        record(.failure, times: 9, at: .seconds(11))
        #expect(breaker.state == .closed)
        record(.failure, times: 1, at: .milliseconds(20_900))
        #expect(breaker.state == .open, "nine of these ten are less than ten seconds old")
    }

    @Test("successes of an hour ago do not outweigh failures of now")
    mutating func forgetsOldSuccesses() {
        record(.success, times: 10_000, at: .seconds(1))
        record(.failure, times: 10, at: .seconds(3_600))
        #expect(breaker.state == .open)
    }

    @Test("there is one probe at a time, and the first comes after five seconds")
    mutating func oneProbeAtATime() {
        #expect(breaker.beginProbe(at: .seconds(1)) == false)
        record(.failure, times: 10, at: .seconds(100))
        #expect(breaker.beginProbe(at: .milliseconds(104_999)) == false)
        #expect(breaker.beginProbe(at: .seconds(105)) == true)
        #expect(breaker.state == .halfOpen)
        #expect(breaker.beginProbe(at: .seconds(1_000)) == false)
        breaker.endProbe(succeeded: true, at: .seconds(1_000))
        #expect(breaker.state == .closed)
    }

    @Test("each failed probe doubles the time to the next, up to a minute")
    mutating func failedProbesDouble() {
        var now = Duration.seconds(100)
        var intervals = [openInterval(from: now)]
        for _ in 0..<5 {
            now += .seconds(100)
            breaker.endProbe(succeeded: false, at: now)
            intervals.append(timeToProbe(from: now))
        }
        #expect(intervals == [5, 10, 20, 40, 60, 60].map { .seconds($0) })
    }

    @Test("a BOS that answers probes but fails at recharges is probed ever less often, until it has worked for a minute")
    mutating func relapsesDouble() {
        var now = Duration.seconds(100)
        var intervals: [Duration] = []
        for workingFor in [59, 59, 59, 59, 60, 59] {
            intervals.append(openInterval(from: now))
            breaker.endProbe(succeeded: true, at: now + .seconds(70))
            now += .seconds(70 + workingFor)
        }
        #expect(intervals == [5, 10, 20, 40, 60, 5].map { .seconds($0) })
    }

    @Test("a call that was in flight when the breaker opened does not count, neither while it is open nor after it has closed")
    mutating func callsInFlightDoNotCount() {
        record(.failure, times: 10, at: .seconds(100))
        record(.success, times: 100, at: .seconds(101))
        #expect(breaker.state == .open)
        #expect(breaker.beginProbe(at: .seconds(105)) == true, "the interval runs from the opening, not from the last result")
        record(.failure, times: 100, at: .seconds(106))
        #expect(breaker.state == .halfOpen)
        breaker.endProbe(succeeded: true, at: .seconds(107))
        for _ in 0..<100 { breaker.record(.failure, startedAt: .seconds(99), at: .seconds(108)) }
        #expect(breaker.state == .closed)
        for _ in 0..<10 { breaker.record(.failure, startedAt: .seconds(107), at: .seconds(108)) }
        #expect(breaker.state == .open)
    }

    @Test("a probe that closes the breaker resets the counts")
    mutating func closingResetsCounts() {
        record(.failure, times: 10, at: .seconds(100))
        #expect(breaker.beginProbe(at: .seconds(105)) == true)
        breaker.endProbe(succeeded: true, at: .seconds(105))
        record(.failure, times: 9, at: .seconds(105))
        #expect(breaker.state == .closed)
    }

    @Test("the end of a probe that was not begun changes nothing")
    mutating func strayProbe() {
        breaker.endProbe(succeeded: false, at: .seconds(1))
        #expect(breaker.state == .closed)
        record(.failure, times: 10, at: .seconds(100))
        breaker.endProbe(succeeded: true, at: .seconds(200))
        #expect(breaker.state == .open)
    }

    @Test(
        "in any sequence, only enough failures open the breaker, only time allows a probe, and only a good probe closes it",
        arguments: 0..<20)
    mutating func transitions(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var (now, openedAt) = (Duration.zero, Duration.zero)
        var finished: [(time: Duration, failed: Bool)] = []
        for _ in 0..<2_000 {
            now += .milliseconds(Int.random(in: 0...400, using: &generator))
            let before = breaker.state
            switch Int.random(in: 0..<10, using: &generator) {
            case 0:
                let probes = breaker.beginProbe(at: now)
                let (mayProbe, mustProbe) = (now - openedAt >= .seconds(5), now - openedAt >= .seconds(60))
                #expect(probes ? before == .open && mayProbe : before != .open || !mustProbe)
                #expect(breaker.state == (probes ? .halfOpen : before))
            case 1:
                let succeeded = Bool.random(using: &generator)
                breaker.endProbe(succeeded: succeeded, at: now)
                #expect(breaker.state == (before != .halfOpen ? before : succeeded ? .closed : .open))
                if before == .halfOpen { finished = [] }
            default:
                let failed = Int.random(in: 0..<3, using: &generator) == 0
                if before == .closed { finished.append((now, failed)) }
                breaker.record(failed ? .failure : .success, at: now)
                // The window in whole seconds, including the current one.
                let recent = finished.filter { $0.time.components.seconds > now.components.seconds - 10 }
                let opens = recent.count >= 10 && recent.count { $0.failed } * 2 >= recent.count
                #expect(breaker.state == (before == .closed && opens ? .open : before))
            }
            if breaker.state == .open, before != .open { openedAt = now }
        }
    }
}
