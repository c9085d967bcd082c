import JobModel
import Testing

@testable import JobEngine

@Suite("Circuit breaker", .timeLimit(.minutes(1)))
struct CircuitBreakerTests {
    private var breaker = CircuitBreaker()

    private mutating func record(_ result: CircuitBreaker.CallResult, times: Int, at now: Duration) {
        for _ in 0..<times { breaker.record(result, at: now) }
    }

    /// Lets it open at that time and returns how long it stays so, to the tenth of a second.
    private mutating func openInterval(from now: Duration) -> Duration {
        record(.failure, times: 10, at: now)
        return timeToProbe(from: now)
    }

    private mutating func timeToProbe(from now: Duration) -> Duration {
        #expect(breaker.state == .open)
        var time = Duration.zero
        while !breaker.shouldProbe(at: now + time), time < .seconds(600) { time += .milliseconds(100) }
        return time
    }

    @Test("the states are the numbers that the metric shows")
    func rawValues() {
        #expect([CircuitBreaker.State.closed, .halfOpen, .open].map(\.rawValue) == [0, 1, 2])
    }

    @Test("it opens with the tenth call if half of them failed, not before")
    mutating func opens() {
        record(.success, times: 5, at: .seconds(1))
        record(.failure, times: 4, at: .seconds(2))
        #expect(breaker.state == .closed)
        record(.failure, times: 1, at: .seconds(3))
        #expect(breaker.state == .open)
    }

    @Test("a handful of calls opens nothing, though all of them fail")
    mutating func tooFew() {
        record(.failure, times: 9, at: .seconds(1))
        #expect(breaker.state == .closed)
    }

    @Test("it stays closed while less than half of the calls fail")
    mutating func mostlyWell() {
        record(.success, times: 51, at: .seconds(1))
        record(.failure, times: 49, at: .seconds(1))
        #expect(breaker.state == .closed)
    }

    @Test("what finished longer ago than the window no longer counts")
    mutating func slides() {
        record(.failure, times: 9, at: .seconds(1))
        record(.failure, times: 9, at: .seconds(11))
        #expect(breaker.state == .closed)
        record(.failure, times: 1, at: .milliseconds(20_900))
        #expect(breaker.state == .open, "nine of these ten are not even ten seconds old")
    }

    @Test("successes of an hour ago do not cover for failures of now")
    mutating func forgetsSuccesses() {
        record(.success, times: 10_000, at: .seconds(1))
        record(.failure, times: 10, at: .seconds(3_600))
        #expect(breaker.state == .open)
    }

    @Test("one probe at a time, and the first after five seconds")
    mutating func oneProbe() {
        #expect(breaker.shouldProbe(at: .seconds(1)) == false)
        record(.failure, times: 10, at: .seconds(100))
        #expect(breaker.shouldProbe(at: .milliseconds(104_999)) == false)
        #expect(breaker.shouldProbe(at: .seconds(105)) == true)
        #expect(breaker.state == .halfOpen)
        #expect(breaker.shouldProbe(at: .seconds(1_000)) == false)
        breaker.probed(true, at: .seconds(1_000))
        #expect(breaker.state == .closed)
    }

    @Test("each failed probe doubles the time to the next, up to a minute")
    mutating func doubles() {
        var now = Duration.seconds(100)
        var intervals = [openInterval(from: now)]
        for _ in 0..<5 {
            now += .seconds(100)
            breaker.probed(false, at: now)
            intervals.append(timeToProbe(from: now))
        }
        #expect(intervals == [5, 10, 20, 40, 60, 60].map { .seconds($0) })
    }

    @Test("a BOS that answers probes but fails at money is left alone longer each time, until it has been well for a minute")
    mutating func relapses() {
        var now = Duration.seconds(100)
        var intervals: [Duration] = []
        for wellFor in [59, 59, 59, 59, 60, 59] {
            intervals.append(openInterval(from: now))
            breaker.probed(true, at: now + .seconds(70))
            now += .seconds(70 + wellFor)
        }
        #expect(intervals == [5, 10, 20, 40, 60, 5].map { .seconds($0) })
    }

    @Test("calls that were in flight when it opened change nothing, neither while it is open nor after it has closed again")
    mutating func inFlight() {
        record(.failure, times: 10, at: .seconds(100))
        record(.success, times: 100, at: .seconds(101))
        #expect(breaker.state == .open)
        #expect(breaker.shouldProbe(at: .seconds(105)) == true, "the interval runs from the opening, not from the last result")
        record(.failure, times: 100, at: .seconds(106))
        #expect(breaker.state == .halfOpen)
        breaker.probed(true, at: .seconds(107))
        for _ in 0..<100 { breaker.record(.failure, startedAt: .seconds(99), at: .seconds(108)) }
        #expect(breaker.state == .closed)
        for _ in 0..<10 { breaker.record(.failure, startedAt: .seconds(107), at: .seconds(108)) }
        #expect(breaker.state == .open)
    }

    @Test("once closed it starts counting anew")
    mutating func closesClean() {
        record(.failure, times: 10, at: .seconds(100))
        #expect(breaker.shouldProbe(at: .seconds(105)) == true)
        breaker.probed(true, at: .seconds(105))
        record(.failure, times: 9, at: .seconds(105))
        #expect(breaker.state == .closed)
    }

    @Test("a probe's answer that nobody waits for changes nothing")
    mutating func strayProbe() {
        breaker.probed(false, at: .seconds(1))
        #expect(breaker.state == .closed)
        record(.failure, times: 10, at: .seconds(100))
        breaker.probed(true, at: .seconds(200))
        #expect(breaker.state == .open)
    }

    @Test("whatever happens, only enough failures open it, only time lets a probe out, and only a good probe closes it", arguments: 0..<20)
    mutating func transitions(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var (now, openedAt) = (Duration.zero, Duration.zero)
        var finished: [(time: Duration, failed: Bool)] = []
        for _ in 0..<2_000 {
            now += .milliseconds(Int.random(in: 0...400, using: &generator))
            let before = breaker.state
            switch Int.random(in: 0..<10, using: &generator) {
            case 0:
                let probes = breaker.shouldProbe(at: now)
                let (mayProbe, mustProbe) = (now - openedAt >= .seconds(5), now - openedAt >= .seconds(60))
                #expect(probes ? before == .open && mayProbe : before != .open || !mustProbe)
                #expect(breaker.state == (probes ? .halfOpen : before))
            case 1:
                let succeeded = Bool.random(using: &generator)
                breaker.probed(succeeded, at: now)
                #expect(breaker.state == (before != .halfOpen ? before : succeeded ? .closed : .open))
                if before == .halfOpen { finished = [] }
            default:
                let failed = Int.random(in: 0..<3, using: &generator) == 0
                if before == .closed { finished.append((now, failed)) }
                breaker.record(failed ? .failure : .success, at: now)
                // The window in whole seconds, the running one included.
                let recent = finished.filter { $0.time.components.seconds > now.components.seconds - 10 }
                let opens = recent.count >= 10 && recent.count { $0.failed } * 2 >= recent.count
                #expect(breaker.state == (before == .closed && opens ? .open : before))
            }
            if breaker.state == .open, before != .open { openedAt = now }
        }
    }
}
