import JobModel
import Logging
import Testing

@testable import JobEngine

@Suite("Slots of a lane", .timeLimit(.minutes(1)))
struct LaneTests {
    private let drain = DrainSignal()
    private let lane: Lane

    init() { lane = Self.lane(clock: ManualClock()) }

    private static func lane(clock: any EngineClock) -> Lane {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return Lane(.money, configuration: Lane.Configuration(concurrency: 1), clock: clock, logger: logger)
    }

    @Test("a delivery without time to wait gets no slot, and does not stay in the waiting list")
    func noTimeToWait() async {
        #expect(await lane.acquireSlot(within: .seconds(1), drain: drain))
        #expect(await lane.acquireSlot(within: .seconds(-7), drain: drain) == false)
        lane.releaseSlot()
        #expect(await lane.acquireSlot(within: .zero, drain: drain))
    }

    @Test("a task that is cancelled before it waits for a slot does not wait")
    func cancelledBeforeWaiting() async {
        #expect(await lane.acquireSlot(within: .seconds(1), drain: drain))
        let late = Task {
            while !Task.isCancelled { await Task.yield() }
            return await lane.acquireSlot(within: .seconds(3_600), drain: drain)
        }
        late.cancel()
        #expect(await late.value == false)
        lane.releaseSlot()
        #expect(await lane.acquireSlot(within: .zero, drain: drain))
    }

    @Test("a waiting delivery gets the slot that becomes free")
    func waitingGetsFreedSlot() async {
        let lane = Self.lane(clock: SystemClock())
        #expect(await lane.acquireSlot(within: .seconds(1), drain: drain))
        async let second = lane.acquireSlot(within: .seconds(3_600), drain: drain)
        while lane.waiting == 0, !Task.isCancelled { await Task.yield() }
        lane.releaseSlot()
        #expect(await second)
    }

    @Test("when the process is about to stop, no delivery waits for a slot any longer")
    func drainEndsWaiting() async {
        let lane = Self.lane(clock: SystemClock())
        #expect(await lane.acquireSlot(within: .seconds(1), drain: drain))
        async let second = lane.acquireSlot(within: .seconds(3_600), drain: drain)
        while lane.waiting == 0, !Task.isCancelled { await Task.yield() }
        drain.drain()
        #expect(await second == false)
    }
}
