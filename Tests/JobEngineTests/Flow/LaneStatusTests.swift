import JobModel
import Logging
import Testing

@testable import JobEngine

@Suite("The state of a lane", .timeLimit(.minutes(1)))
struct LaneStatusTests {
    private let clock = ManualClock()
    private let lane: Lane

    init() {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        lane = Lane(.money, configuration: Lane.Configuration(concurrency: 4), clock: clock, logger: logger)
    }

    private func end(_ quality: CallQuality, retryAfter: Duration? = nil) async {
        await lane.record(CallOutcome(quality: quality, retryAfter: retryAfter), startedAt: clock.uptime(), note: "HTTP 500")
    }

    @Test("at rest has all slots and nothing that stands in the way")
    func rest() {
        #expect(lane.status == LaneStatus(running: 0, limit: 4, waiting: 0, breaker: .closed))
    }

    @Test("counts the jobs that hold a slot")
    func slots() async {
        #expect(await lane.acquireSlot(within: .seconds(1), drain: DrainSignal()))
        #expect(lane.status.running == 1)
        lane.releaseSlot()
        #expect(lane.status.running == 0)
    }

    @Test("says since when BOS has answered no call: the first failure counts until the next answer, a 429 changes nothing")
    func unanswered() async {
        await end(.failed)
        clock.advance(by: .seconds(7))
        await end(.failed)
        await end(.throttled)
        #expect(lane.status.unansweredSince == ManualClock.start)
        await end(.answered)
        #expect(lane.status.unansweredSince == nil)
    }

    @Test("says when an open breaker is probed next, and an answered probe ends the time without an answer")
    func breaker() async {
        for _ in 1...10 { await end(.failed) }
        #expect(lane.status.breaker == .open)
        #expect(lane.status.probeAt == ManualClock.start + .seconds(5))
        clock.advance(by: .seconds(5))
        #expect(await lane.probe { true })
        #expect(lane.status.breaker == .closed)
        #expect(lane.status.probeAt == nil)
        #expect(lane.status.unansweredSince == nil)
    }

    @Test("names the end of the pause that BOS has asked for, until that time has come")
    func retryAfter() async {
        await end(.throttled, retryAfter: .seconds(30))
        #expect(lane.status.throttledUntil == ManualClock.start + .seconds(30))
        clock.advance(by: .seconds(30))
        #expect(lane.status.throttledUntil == nil)
    }

    @Test("says since when a reason to pause stands, also after its detail has changed")
    func pauses() async {
        await lane.gate.close(.ledger, detail: "disk full")
        clock.advance(by: .seconds(9))
        await lane.gate.close(.ledger, detail: "locked")
        lane.gate.update(.ledger, detail: "disk full again")
        #expect(lane.status.pauses[.ledger]?.detail == "disk full again")
        #expect(lane.status.pauses[.ledger]?.since == ManualClock.start)
        lane.gate.lift(.ledger)
        await lane.gate.close(.ledger, detail: "disk full")
        #expect(lane.status.pauses[.ledger]?.since == ManualClock.start + .seconds(9))
    }

    @Test("calls that are under way are counted, with the time of the longest")
    func callsUnderWay() {
        let calls = CallsUnderWay()
        let first = calls.begin(at: .seconds(1))
        let second = calls.begin(at: .seconds(3))
        #expect(calls.state(at: .seconds(4)).count == 2)
        #expect(calls.state(at: .seconds(4)).longest == .seconds(3))
        calls.end(first)
        #expect(calls.state(at: .seconds(4)).count == 1)
        #expect(calls.state(at: .seconds(4)).longest == .seconds(1))
        calls.end(second)
        #expect(calls.state(at: .seconds(4)).count == 0)
        #expect(calls.state(at: .seconds(4)).longest == .zero)
    }
}
