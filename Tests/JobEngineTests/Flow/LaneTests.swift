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

    @Test("whoever has no time to wait is sent away, and leaves nothing behind")
    func noTime() async {
        #expect(await lane.enter(within: .seconds(1), drain))
        #expect(await lane.enter(within: .seconds(-7), drain) == false)
        lane.leave()
        #expect(await lane.enter(within: .zero, drain))
    }

    @Test("whoever is called off before it begins to wait does not wait at all")
    func calledOff() async {
        #expect(await lane.enter(within: .seconds(1), drain))
        let late = Task {
            while !Task.isCancelled { await Task.yield() }
            return await lane.enter(within: .seconds(3_600), drain)
        }
        late.cancel()
        #expect(await late.value == false)
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
        while lane.waiting == 0, !Task.isCancelled { await Task.yield() }
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
        while lane.waiting == 0, !Task.isCancelled { await Task.yield() }
        drain.drain()
        #expect(await second == false)
    }
}
