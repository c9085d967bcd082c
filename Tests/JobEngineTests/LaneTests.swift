import JobModel
import Logging
import Testing

@testable import JobEngine

@Suite("Slots of a lane", .timeLimit(.minutes(1)))
struct LaneTests {
    private let drain = DrainSignal()
    private let lane: Lane

    init() {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        lane = Lane(.money, Lane.Configuration(concurrency: 1), clock: ManualClock(), logger: logger)
    }

    @Test("whoever has no time to wait is sent away, however often it is tried, and leaves nothing behind")
    func noTime() async {
        #expect(await lane.enter(within: .seconds(1), drain))
        for _ in 0..<200 { #expect(await lane.enter(within: .seconds(-7), drain) == false) }
        lane.leave()
        #expect(await lane.enter(within: .zero, drain))
    }

    @Test("whoever waits gets the slot that becomes free")
    func freed() async {
        let lane = Lane(
            .money, Lane.Configuration(concurrency: 1), clock: SystemClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        #expect(await lane.enter(within: .seconds(1), drain))
        async let second = lane.enter(within: .seconds(3_600), drain)
        lane.leave()
        #expect(await second)
    }

    @Test("a process that stops keeps nobody waiting for a slot")
    func drained() async {
        let lane = Lane(
            .money, Lane.Configuration(concurrency: 1), clock: SystemClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        #expect(await lane.enter(within: .seconds(1), drain))
        async let second = lane.enter(within: .seconds(3_600), drain)
        drain.drain()
        #expect(await second == false)
    }
}
